import { MongoServerError, type Db, type Document } from 'mongodb';
import { pause, systemClock } from '@orders-pipeline/clock';
import type { IndexedCollection } from '#orders/database/indexes.js';
import { timeLimit } from '#orders/time-limit.js';
import { isDatabaseUnavailable, isDuplicateKey } from './mongo-errors.js';
import { connectMongoClient, createMongoClient } from './mongo.js';
import { planMigration, type MigrationPlan, type PlannedDrop, type PlannedIndex, MIGRATE } from './indexes.js';

type Print = (line: string) => void;

export interface MigrationOptions {
  /** Whether retired indexes and collections are dropped: only when no service of the previous version runs any more. Default: false. */
  readonly drop?: boolean;
  /** Receives a line for each step, and the progress of long ones. Default: nothing does. */
  readonly print?: Print;
  /** The migrated collections. Default: all. */
  readonly collections?: readonly IndexedCollection[];
}

const AGAIN_MS = 1_000;
const INDEX_NOT_FOUND = 27;
const NAMESPACE_NOT_FOUND = 26;

/** Thrown when an index can't be built, because stored documents contradict it. */
class IndexNotBuiltError extends Error {
  override readonly name = 'IndexNotBuiltError';
  readonly code = 'index-not-built';
}

/**
 * Connects to a database and migrates it. Its calls have no time-out, because an index over millions of documents takes minutes.
 * @returns whether the database is now as this version needs it. @throws IndexNotBuiltError, SettingsError,
 * or the driver's error if it can't connect
 */
export async function migrateAt(uri: string, options: MigrationOptions = {}): Promise<boolean> {
  const client = createMongoClient(uri, {
    appName: 'orders-migrate',
    serverSelectionTimeoutMS: timeLimit(5_000),
    writeConcern: { w: 'majority', journal: true },
  });
  try {
    await connectMongoClient(client);
    return await migrateDatabase(client.db(), options);
  } finally {
    await client.close();
  }
}

/**
 * Creates missing indexes while the services run, and then drops what is retired. Safe to run again after an interruption, and by two
 * people at once: MongoDB builds an index once, and the second waits for it.
 * @returns whether the database is now as this version needs it. @throws IndexNotBuiltError
 */
export async function migrateDatabase(
  db: Db,
  { drop = false, print = () => undefined, collections }: MigrationOptions = {},
): Promise<boolean> {
  const plan = await planMigration(db, collections);
  for (const each of plan.otherExpiry) await changeExpiry(db, each, print);
  await createAll(db, plan.missing, print);
  for (const line of plan.conflicts) print(line);
  await dropRetired(db, plan, { drop, print });
  if (plan.conflicts.length === 0) print('The database has all indexes that this version needs.');
  return plan.conflicts.length === 0;
}

/** Creates indexes of empty collections at once, and others one after another: each build uses up to 200 MB of the server's memory. */
async function createAll(db: Db, missing: readonly PlannedIndex[], print: Print): Promise<void> {
  const startedAt = performance.now();
  const collections = [...Map.groupBy(missing, ({ collection }) => collection)];
  const counted = await Promise.all(
    collections.map(async ([name, planned]) => ({
      planned,
      count: await db.collection(name).estimatedDocumentCount(),
    })),
  );
  const empty = counted.filter(({ count }) => count === 0);
  await Promise.all(empty.map(async ({ planned }) => create(db, planned, () => undefined)));
  if (empty.length > 0)
    print(`created the indexes of ${empty.length} empty collections (${secondsSince(startedAt)} s)`);
  for (const { planned, count } of counted) if (count > 0) await create(db, planned, print);
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1_000).toFixed(1);
}

/** Creates indexes of one collection in one pass over its documents. Repeats it after a fail-over. */
async function create(db: Db, missing: readonly PlannedIndex[], print: Print): Promise<void> {
  const [first] = missing;
  if (first === undefined) return;
  const { collection } = first;
  const names = missing.map(({ index }) => index.name).join(', ');
  const startedAt = performance.now();
  const stop = watchIndexBuild(db, collection, (progress) => print(`building ${names} of ${collection}: ${progress}`));
  try {
    await db.collection(collection).createIndexes(missing.map(({ index }) => index));
  } catch (error) {
    if (isDuplicateKey(error))
      throw new IndexNotBuiltError(
        `Index ${names} of collection ${collection} can't be built: two documents have the same key. MongoDB: ${error.message}`,
        { cause: error },
      );
    if (!isDatabaseUnavailable(error)) throw error;
    print(`MongoDB is unavailable, and ${names} of ${collection} is not built yet: trying again`);
    stop();
    await pause(systemClock, AGAIN_MS);
    return create(db, missing, print);
  } finally {
    stop();
  }
  print(`created ${names} of ${collection} (${secondsSince(startedAt)} s)`);
}

async function changeExpiry(db: Db, { collection, index }: PlannedIndex, print: Print): Promise<void> {
  const { name, expireAfterSeconds } = index;
  await db.command({ collMod: collection, index: { name, expireAfterSeconds } });
  print(`documents of ${collection} now expire after ${expireAfterSeconds} s`);
}

/** Drops only when the needed indexes exist, so that no query is without one. */
async function dropRetired(
  db: Db,
  { retired, conflicts }: MigrationPlan,
  { drop, print }: { readonly drop: boolean; readonly print: Print },
): Promise<void> {
  for (const each of retired) {
    const what =
      each.index === undefined ? `collection ${each.collection}` : `index ${each.index} of ${each.collection}`;
    if (!drop || conflicts.length > 0) {
      print(`${what} is not used by this version; when all services run it, drop it: ${MIGRATE} --drop`);
      continue;
    }
    await dropOne(db, each);
    print(`dropped ${what}`);
  }
}

async function dropOne(db: Db, { collection, index }: PlannedDrop): Promise<void> {
  try {
    if (index === undefined) await db.dropCollection(collection);
    else await db.collection(collection).dropIndex(index);
  } catch (error) {
    // Another migration has dropped it meanwhile.
    const isGone =
      error instanceof MongoServerError && [INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND].includes(Number(error.code));
    if (!isGone) throw error;
  }
}

const REPORT_EVERY_MS = 5_000;

/**
 * Reports the progress of index builds of a collection every 5 s, until the returned function is called. Without the privilege `inprog`
 * it reports the elapsed time only.
 */
function watchIndexBuild(db: Db, collection: string, report: (progress: string) => void): () => void {
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
