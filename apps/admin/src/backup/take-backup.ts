import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '@orders-pipeline/clock';
import type { CollectionInfo, Db } from 'mongodb';
import { OPERATIONAL_COLLECTIONS } from '#orders/database/indexes.js';
import { programVersion } from '../program-version.js';
import { BackupError } from './backup-error.js';
import { BackupFolder, withFullDisk } from './backup-folder.js';
import { readMetadata, renderMetadata } from './collection-metadata.js';
import { DumpFile } from './dump-file.js';
import { HistoryWindow } from './history-window.js';
import { FORMAT, renderManifest, type CollectionDump, type KafkaState, type Manifest } from './manifest.js';
import type { Pace } from './pace.js';
import { Snapshot } from './snapshot.js';

export interface BackupParts {
  readonly db: Db;
  /** Reads Kafka's positions. */
  readonly kafkaState: () => Promise<KafkaState>;
  readonly directory: string;
  readonly gzip: boolean;
  readonly pace: Pace;
  readonly clock: Clock;
  /** Ends the backup, whose files are then removed. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

const REPORT_EVERY_MS = 5_000;
const NAMESPACE_NOT_LISTED = /^system\./;

/**
 * Writes all collections at one point in time, in the layout of MongoDB's own tools, and Kafka's positions from before it. Services go on
 * meanwhile.
 * @returns the manifest, which is stored. @throws BackupError, or the error of a server: the folder is then as it was before
 */
export async function takeBackup(parts: BackupParts): Promise<Manifest> {
  const { db, directory, print, clock } = parts;
  const startedAt = clock.now();
  const folder = await BackupFolder.claim(directory, db.databaseName);
  const history = await HistoryWindow.open(db.client.db('admin'), () => clock.now());
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
  const { db, clock } = parts;
  // Before the snapshot: a replay from these positions then brings all that the snapshot lacks.
  const createdAt = new Date(clock.now()).toISOString();
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
    seconds: Math.round((clock.now() - startedAt) / 100) / 10,
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
  throw new BackupError('empty-database', `Database ${db.databaseName} has no collections: correct MONGODB_URI.`);
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
  const described = Buffer.from(renderMetadata(await readMetadata(db, collection)));
  const metadata = await DumpFile.write(pathOf('metadata.json'), gzip, async (file) => file.append(described));
  let documents = 0;
  const data = await DumpFile.write(pathOf('bson'), gzip, async (file) => {
    documents = await copyDocuments(parts, running, collection.name, file);
  });
  return { name: collection.name, documents, data, metadata };
}

/** @returns the number of documents */
async function copyDocuments(
  { db, pace, clock, signal, print }: BackupParts,
  { history, snapshot }: Running,
  name: string,
  file: DumpFile,
): Promise<number> {
  const about = await db.collection(name).estimatedDocumentCount();
  let documents = 0;
  let reportedAt = clock.now();
  let since = clock.now();
  for await (const read of snapshot.documents(name)) {
    if (signal.aborted) throw new BackupError('interrupted', 'The backup was interrupted, and its files are removed.');
    await file.append(Buffer.concat(read));
    documents += read.length;
    await history?.grow();
    await pace.rest(clock.now() - since);
    since = clock.now();
    if (clock.now() - reportedAt < REPORT_EVERY_MS) continue;
    reportedAt = clock.now();
    print(`${name}: ${documents.toLocaleString('en-US')} of about ${about.toLocaleString('en-US')} documents`);
  }
  return documents;
}
