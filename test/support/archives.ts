import type { Db } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { chunksCollection, chunksOf } from '#orders/operation/acknowledged-chunks.js';
import { importRowsCollection } from '#orders/imports/import-rows.js';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { ackedCount, operationsCollection } from '#orders/operation/operation.js';
import { blocksOf, settledBlocksCollection, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { eventually } from './eventually.js';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListedArchive } from '../../apps/admin/src/archive/read-archives.js';
import { runDocumented, type DocumentedRun } from './documented/run-documented.js';
import type { TestSystem } from './test-system.js';
import { runApp, startApp, type Run } from './started-app.js';

/** Settings with which operations are compacted at once, and nothing is retained. */
export const COMPACTED_AT_ONCE = { COMPACTION_DELAY_SECONDS: '1', SETTLED_RETENTION_DAYS: '0' };

/** Waits until the processing metadata of an operation is compacted, and returns its verified blocks. */
export async function compacted(db: Db, operationId: string): Promise<SettledBlock[]> {
  await eventually(`${operationId} is compacted`, async () => {
    const operation = await operationsCollection(db).findOne({ _id: operationId });
    return operation?.compactedAt !== undefined;
  });
  return settledBlocksOf(db, operationId);
}

export async function settledBlocksOf(db: Db, operationId: string): Promise<SettledBlock[]> {
  return settledBlocksCollection(db).find(blocksOf(operationId)).sort({ _id: 1 }).toArray();
}

/** Makes an operation due for compaction, and waits for the end of that turn. */
export async function compactAgain(db: Db, operationId: string): Promise<void> {
  const due = { $unset: { compactedAt: true, 'compaction.nextAt': true } } as const;
  const before = await operationsCollection(db).findOneAndUpdate({ _id: operationId }, due);
  await eventually(`a turn of ${operationId} has ended`, async () => {
    const { compaction } = (await operationsCollection(db).findOne({ _id: operationId })) ?? {};
    return compaction?.lease === null && compaction.epoch > (before?.compaction?.epoch ?? 0);
  });
}

/** Waits until all acknowledged orders of an operation are in verified blocks. What is retained for people may still be there. */
export async function settled(db: Db, operationId: string): Promise<void> {
  await eventually(`${operationId} is settled`, async () => {
    const operation = await operationsCollection(db).findOne({ _id: operationId });
    const blocks = (await settledBlocksOf(db, operationId)).filter(({ isCompacted }) => isCompacted);
    const count = blocks.reduce((sum, block) => sum + block.count, 0);
    return operation !== null && count > 0 && count === ackedCount(operation);
  });
}

/** Counts the documents that the processing metadata of an operation consists of. */
export async function bookkeepingOf(db: Db, operationId: string): Promise<Record<string, number>> {
  const counts = {
    chunks: chunksCollection(db).countDocuments(chunksOf(operationId)),
    rows: importRowsCollection(db).countDocuments({ operationId }),
    batches: intakeBatchesCollection(db).countDocuments({ operationId, state: 'acknowledged' }),
    letters: deadLettersCollection(db).countDocuments({ operationId }),
  };
  const entries = Object.entries(counts).map(async ([name, count]) => [name, await count] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Archives of a pipeline in a temporary folder, by the commands of the administrator. */
export class Archives {
  private constructor(
    private readonly pipeline: TestSystem,
    readonly folder: string,
  ) {}

  static async of(pipeline: TestSystem): Promise<Archives> {
    return new Archives(pipeline, await mkdtemp(join(tmpdir(), 'orders-archive-')));
  }

  /** The same pipeline, with archives in another folder. */
  in(folder: string): Archives {
    return new Archives(this.pipeline, folder);
  }

  async run(...args: string[]): Promise<Run> {
    return runApp('admin', this.env, 'archive', ...args);
  }

  /** Runs a command of docs/run.md. */
  async documented(command: string, replacing: NonNullable<DocumentedRun['replacing']>): Promise<Run> {
    return runDocumented(command, { replacing, env: this.env });
  }

  /** Starts a command that the spec ends. */
  start(...args: string[]): ReturnType<typeof startApp> {
    return startApp('admin', this.env, 'archive', ...args);
  }

  /** Archives what was saved before a time. */
  async archive(before: Date, ...options: string[]): Promise<Run> {
    return this.run(this.folder, '--before', before.toISOString(), ...options);
  }

  async list(...options: string[]): Promise<{ code: number; archives: ListedArchive[] }> {
    const { code, stdout, stderr } = await this.run('list', this.folder, '--json', ...options);
    if (stdout === '') throw new Error(stderr);
    return { code, archives: JSON.parse(stdout) as ListedArchive[] };
  }

  async files(): Promise<string[]> {
    return (await readdir(this.folder)).toSorted();
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private get env(): NodeJS.ProcessEnv {
    const { brokers, mongodbUri } = this.pipeline;
    return { KAFKA_BROKERS: brokers, MONGODB_URI: mongodbUri };
  }
}
