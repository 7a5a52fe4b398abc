import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { MongoServerError, type CollectionInfo, type Db, type Timestamp } from 'mongodb';
import { systemClock } from '@orders-pipeline/clock';
import { OPERATIONAL_COLLECTIONS } from '#orders/database/indexes.js';
import { isMongodbError, withServers } from '../connections.js';
import {
  AdminError,
  EXIT_CODE,
  figure,
  integerUpTo,
  interruption,
  type AdminEnvironment,
  type ExitCode,
  type Run,
} from '../environment.js';
import { Pace } from '../pace.js';
import { readSettings } from '../settings.js';
import { BackupFolder, DumpFile, renderMetadata, withFullDisk } from './backup-files.js';
import { readKafkaState } from './kafka-state.js';
import { FORMAT, renderManifest, type CollectionDump, type KafkaState, type Manifest } from './manifest.js';

/** Measured: with it, a pipeline that uses both cores of a small machine saves more than 0.8 of what it saves without a backup. */
const DEFAULT_SHARE = 20;
const REPORT_EVERY_MS = 5_000;
const NAMESPACE_NOT_LISTED = /^system\./;

interface BackupOptions {
  readonly gzip?: boolean;
  readonly share: number;
  readonly json?: boolean;
}

/** Adds `backup`. */
export function addBackupCommand(program: Command, run: Run): void {
  program
    .command('backup')
    .description("write the database, and Kafka's positions from before it, to a folder while everything runs")
    .argument('<dir>', 'a new or an empty folder, on another disk than the database')
    .option('--gzip', 'compress the files')
    .option(
      '--share <percent>',
      'how much of the time it works, from 1 to 100; it rests meanwhile',
      integerUpTo(100),
      DEFAULT_SHARE,
    )
    .option('--json', 'print the manifest as JSON')
    .action(run(backup));
}

async function backup(
  { env, print, printError }: AdminEnvironment,
  dir: string,
  { gzip = false, share, json = false }: BackupOptions,
): Promise<ExitCode> {
  const directory = resolve(dir);
  const signal = interruption(new AdminError('interrupted', 'The backup was interrupted, and its files are removed.'));
  const manifest = await withServers(readSettings(env), async ({ mongo: { db }, admin, reader }) =>
    takeBackup({
      db,
      kafkaState: async () => readKafkaState(admin, reader),
      directory,
      gzip,
      pace: new Pace(systemClock, share),
      signal,
      // Progress is no part of the result.
      print: json ? printError : print,
    }),
  );
  for (const line of json ? [JSON.stringify(manifest)] : describe(manifest, directory)) print(line);
  return EXIT_CODE.ok;
}

function describe({ id, createdAt, seconds, collections, highestNumber }: Manifest, directory: string): string[] {
  const documents = collections.reduce((sum, each) => sum + each.documents, 0);
  const bytes = collections.reduce((sum, { data, metadata }) => sum + data.bytes + metadata.bytes, 0);
  return [
    ...collections
      .filter((each) => each.documents > 0)
      .map(({ name, documents: count }) => `${figure(count).padStart(12)}  ${name}`),
    `Backup ${id} is complete: ${figure(documents)} documents, ${figure(Math.ceil(bytes / 2 ** 20))} MiB in ${directory} (${seconds} s).`,
    `It has all orders up to ${createdAt}, and order numbers up to ${figure(highestNumber)}. Keep the folder on another machine.`,
  ];
}

interface BackupParts {
  readonly db: Db;
  /** Reads Kafka's positions. */
  readonly kafkaState: () => Promise<KafkaState>;
  readonly directory: string;
  readonly gzip: boolean;
  readonly pace: Pace;
  /** Ends the backup, whose files are then removed. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/**
 * Writes all collections at one point in time, in the layout of MongoDB's own tools, and Kafka's positions from before it. Services go on
 * meanwhile.
 * @returns the manifest, which is stored. @throws AdminError, or the error of a server: the folder is then as it was before
 */
async function takeBackup(parts: BackupParts): Promise<Manifest> {
  const { db, directory, print } = parts;
  const startedAt = systemClock.now();
  const folder = await BackupFolder.claim(directory, db.databaseName);
  const history = await HistoryWindow.open(db.client.db('admin'), () => systemClock.now());
  if (history === undefined)
    print(
      'This user may not set minSnapshotHistoryWindowInSeconds: the backup fails if it takes longer than that (default 300 s).',
    );
  try {
    const manifest = await withFullDisk(directory, async () => write(parts, folder, history, startedAt));
    await withFullDisk(directory, async () => folder.complete(renderManifest(manifest)));
    return manifest;
  } catch (error) {
    await folder.discard();
    throw error;
  } finally {
    // What failed before counts more.
    await history
      ?.close()
      .catch((error: unknown) => print(`The history of MongoDB stays longer than before: ${String(error)}`));
  }
}

async function write(
  parts: BackupParts,
  folder: BackupFolder,
  history: HistoryWindow | undefined,
  startedAt: number,
): Promise<Manifest> {
  const { db } = parts;
  // Before the snapshot: a replay from these positions then brings all that the snapshot lacks.
  const createdAt = new Date(systemClock.now()).toISOString();
  const kafka = await parts.kafkaState();
  const snapshot = await Snapshot.take(db, await oneCollection(db));
  const listed = await listCollections(db);
  const collections: CollectionDump[] = [];
  for (const collection of listed) collections.push(await dump(parts, { folder, history, snapshot }, collection));
  const counter = await snapshot.findOne('counters', { _id: 'order-numbers' });
  const { version } = await db.admin().serverInfo();
  return {
    format: FORMAT,
    program: programVersion(),
    id: randomUUID(),
    createdAt,
    seconds: Math.round((systemClock.now() - startedAt) / 100) / 10,
    database: db.databaseName,
    mongodb: String(version),
    clusterTime: `${snapshot.clusterTime.getHighBits()}.${snapshot.clusterTime.getLowBits()}`,
    gzip: parts.gzip,
    highestNumber: Number(counter?.['value'] ?? 0),
    kafka,
    collections,
    leftOut: [...OPERATIONAL_COLLECTIONS],
  };
}

async function oneCollection(db: Db): Promise<string> {
  const [first] = await listCollections(db);
  if (first !== undefined) return first.name;
  throw new AdminError('empty-database', `Database ${db.databaseName} has no collections: correct MONGODB_URI.`);
}

/**
 * Lists what a backup contains, in a stable order. To be called after the snapshot is taken: one that was created since can't be read in it,
 * and fails the backup, instead of being left out silently.
 */
async function listCollections(db: Db): Promise<CollectionInfo[]> {
  const listed = await db.listCollections({ type: 'collection' }, { nameOnly: false }).toArray();
  return listed
    .filter(({ name }) => !NAMESPACE_NOT_LISTED.test(name) && !OPERATIONAL_COLLECTIONS.has(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

interface Running {
  readonly folder: BackupFolder;
  readonly history: HistoryWindow | undefined;
  readonly snapshot: Snapshot;
}

async function dump(parts: BackupParts, running: Running, collection: CollectionInfo): Promise<CollectionDump> {
  const { db, gzip } = parts;
  const pathOf = (ending: string): string =>
    join(running.folder.path, `${encodeURIComponent(collection.name)}.${ending}${gzip ? '.gz' : ''}`);
  const described = Buffer.from(await renderMetadata(db, collection));
  const metadata = await DumpFile.write(pathOf('metadata.json'), gzip, async (file) => file.append(described));
  let documents = 0;
  const data = await DumpFile.write(pathOf('bson'), gzip, async (file) => {
    documents = await copyDocuments(parts, running, collection.name, file);
  });
  return { name: collection.name, documents, data, metadata };
}

/** @returns the number of documents */
async function copyDocuments(
  { db, pace, signal, print }: BackupParts,
  { history, snapshot }: Running,
  name: string,
  file: DumpFile,
): Promise<number> {
  const about = await db.collection(name).estimatedDocumentCount();
  let documents = 0;
  let reportedAt = systemClock.now();
  for await (const read of pace.each(snapshot.documents(name))) {
    signal.throwIfAborted();
    await file.append(Buffer.concat(read));
    documents += read.length;
    await history?.grow();
    if (systemClock.now() - reportedAt < REPORT_EVERY_MS) continue;
    reportedAt = systemClock.now();
    print(`${name}: ${figure(documents)} of about ${figure(about)} documents`);
  }
  return documents;
}

/** Documents of one read. A read of orders is then about two megabytes. */
const READ_DOCUMENTS = 5_000;
/** The server no longer has the snapshot: SnapshotTooOld, SnapshotUnavailable. */
const LOST = new Set<unknown>([239, 246]);

/**
 * All collections of a database at one point in time (read concern `snapshot`, one `atClusterTime`), without a transaction, so that nothing
 * waits for the reader.
 *
 * The server chooses the point: all writes are in it that a majority had acknowledged before.
 */
class Snapshot {
  private constructor(
    private readonly db: Db,
    readonly clusterTime: Timestamp,
  ) {}

  /** Takes a snapshot now. @param anyCollection one that exists */
  static async take(db: Db, anyCollection: string): Promise<Snapshot> {
    const { cursor } = (await db.command({
      find: anyCollection,
      limit: 1,
      singleBatch: true,
      readConcern: { level: 'snapshot' },
    })) as { cursor: { atClusterTime: Timestamp } };
    return new Snapshot(db, cursor.atClusterTime);
  }

  /**
   * Yields the raw documents of a collection, read by read, in the order in which they are stored.
   * @throws AdminError `snapshot-lost` when the server no longer has this point in time, or the driver's error
   */
  async *documents(collection: string): AsyncGenerator<readonly Buffer[]> {
    const cursor = this.db.runCursorCommand(this.command(collection, { batchSize: READ_DOCUMENTS }), { raw: true });
    cursor.setBatchSize(READ_DOCUMENTS);
    try {
      // With `raw` they are bytes.
      while (await cursor.hasNext()) yield cursor.readBufferedDocuments();
    } catch (error) {
      throw explained(error);
    } finally {
      await cursor.close();
    }
  }

  /** Reads one document, decoded. @throws as `documents` */
  async findOne(collection: string, filter: object): Promise<Record<string, unknown> | undefined> {
    try {
      const { cursor } = (await this.db.command(this.command(collection, { filter, limit: 1, singleBatch: true }))) as {
        cursor: { firstBatch: Record<string, unknown>[] };
      };
      return cursor.firstBatch[0];
    } catch (error) {
      throw explained(error);
    }
  }

  private command(collection: string, more: object): Record<string, unknown> {
    return { find: collection, ...more, readConcern: { level: 'snapshot', atClusterTime: this.clusterTime } };
  }
}

function explained(error: unknown): unknown {
  if (!(error instanceof MongoServerError) || !LOST.has(error.code)) return error;
  return new AdminError(
    'snapshot-lost',
    'MongoDB no longer has the point in time of the backup: a collection or an index was made or dropped meanwhile, or the history is ' +
      'too short (minSnapshotHistoryWindowInSeconds). Run the command again.',
    { cause: error },
  );
}

const PARAMETER = 'minSnapshotHistoryWindowInSeconds';
/** How far the window always reaches beyond the age of the snapshot. After a kill it stays that much too large, until mongod restarts. */
const AHEAD_SECONDS = 600;
/** How often it grows. */
const GROW_EVERY_MS = 60_000;

/**
 * Makes the server keep the history that a snapshot needs, for as long as it is read: by default that is 300 s, and none in the embedded
 * MongoDB. The window grows with the age of the snapshot, since a longer one costs the server memory.
 */
export class HistoryWindow {
  private grownAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly admin: Db,
    private readonly before: number,
    private readonly openedAt: number,
    private readonly now: () => number,
  ) {}

  /**
   * Opens the window, before the snapshot is taken.
   * @param now monotonic, in ms
   * @returns `undefined` if the user may not set it: the server's own window must suffice
   */
  static async open(admin: Db, now: () => number): Promise<HistoryWindow | undefined> {
    try {
      const { [PARAMETER]: before } = await admin.command({ getParameter: 1, [PARAMETER]: 1 });
      const window = new HistoryWindow(admin, Number(before), now(), now);
      await window.grow();
      return window;
    } catch (error) {
      if (isMongodbError(error, 'unauthorized')) return undefined;
      throw error;
    }
  }

  /** Lets the window grow, if it is time. */
  async grow(): Promise<void> {
    const at = this.now();
    if (at - this.grownAt < GROW_EVERY_MS) return;
    this.grownAt = at;
    await this.set(Math.max(this.before, Math.ceil((at - this.openedAt) / 1_000) + AHEAD_SECONDS));
  }

  /** Sets it to what it was. */
  async close(): Promise<void> {
    await this.set(this.before);
  }

  private async set(seconds: number): Promise<void> {
    await this.admin.command({ setParameter: 1, [PARAMETER]: seconds });
  }
}

/** Returns the version of this program. */
function programVersion(): string {
  const path = findPackageJSON(import.meta.url) ?? '';
  return String((JSON.parse(readFileSync(path, 'utf8')) as { readonly version?: string }).version);
}
