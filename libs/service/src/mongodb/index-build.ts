import type { Db, Document } from 'mongodb';

const REPORT_EVERY_MS = 5_000;

/**
 * Reports the progress of index builds of a collection every 5 s, until the returned function is called. Without the privilege `inprog`
 * it reports the elapsed time only.
 */
export function watchIndexBuild(db: Db, collection: string, report: (progress: string) => void): () => void {
  const startedAt = performance.now();
  let hasStopped = false;
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const reportOnce = async (): Promise<void> => {
      const progress = await progressOf(db, collection);
      if (!hasStopped) report(`${seconds} s${progress === undefined ? '' : `, ${progress}`}`);
    };
    void reportOnce();
  }, REPORT_EVERY_MS);
  return () => {
    hasStopped = true;
    clearInterval(timer);
  };
}

async function progressOf(db: Db, collection: string): Promise<string | undefined> {
  const stages = [
    { $currentOp: { allUsers: true, idleConnections: false } },
    {
      $match: {
        ns: `${db.databaseName}.${collection}`,
        'command.createIndexes': { $exists: true },
        msg: { $exists: true },
      },
    },
    { $limit: 1 },
  ];
  try {
    const [operation] = await db.client.db('admin').aggregate(stages).toArray();
    return operation && describeProgress(operation);
  } catch {
    // The progress is only information: the build itself reports what is wrong.
    return undefined;
  }
}

/** Describes an operation of `$currentOp`, such as `scanning collection 1,200,000 of 5,000,000`. */
export function describeProgress({ msg, progress }: Document): string | undefined {
  if (typeof msg !== 'string') return undefined;
  const phase = /^Index Build: (.+?)(?: Index Build|:|$)/.exec(msg)?.[1] ?? 'working';
  const { done, total } = (progress ?? {}) as { done?: unknown; total?: unknown };
  if (total === undefined) return phase;
  return `${phase} ${Number(done).toLocaleString('en-US')} of ${Number(total).toLocaleString('en-US')}`;
}
