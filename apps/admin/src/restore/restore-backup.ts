import { join } from 'node:path';
import { BSON, type Db, type Document } from 'mongodb';
import { systemClock } from '@orders-pipeline/clock';
import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';
import { INDEXES, RETIRED, OPERATIONAL_COLLECTIONS } from '#orders/database/indexes.js';
import { raiseReservedNumbers } from '#orders/numbering/number-blocks.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { restoresCollection, type RestoreMarker } from '#service/mongodb/connect-prepared.js';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import { readDump, readMetadata } from '../backup/backup-files.js';
import {
  partitionsOf,
  requireLog,
  startOffsets,
  writtenSince,
  type LogRange,
  type StartOffset,
} from '../backup/kafka-state.js';
import type { CollectionDump, KafkaState, Manifest } from '../backup/manifest.js';
import { isMongodbError } from '../connections.js';
import { AdminError, figure } from '../environment.js';
import { KnownNumbers, LogFindings, toBatches, type LoggedOrders, type PlacedOrder } from './log-findings.js';
import { reportOf, type RestoreReport } from './restore-report.js';
import { FacadeNumbers, FormerPartitions, resetTopicPartitions, RestoredOperations } from './restored-metadata.js';

/** Orders of the log that are kept until their batches are stored. */
const WINDOW_ORDERS = 100_000;
/** How the services name their connections. */
const SERVICE = /^orders-(?:producer|consumer|query-api|facade|console)$/;
/** Inserts that run at once: while MongoDB carries out one, this process prepares the next. */
const CONCURRENT_INSERTS = 3;
/** Keeps each value as it is stored: without it, a double with an integer value would come back as an integer. */
const EXACT = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const;

interface RestoreParts {
  readonly db: Db;
  /** MongoDB's time. */
  readonly now: () => Date;
  readonly directory: string;
  readonly manifest: Manifest;
  /** Creates the indexes of this version, and those that the operator had made. */
  readonly createIndexes: () => Promise<void>;
  readonly kafkaState: () => Promise<KafkaState>;
  readonly readLog: (ranges: readonly LogRange[]) => AsyncIterable<readonly ConsumedRecord[]>;
  readonly orders: () => Promise<LoggedOrders>;
  readonly requireNoMembers: () => Promise<void>;
  readonly commitOffsets: (offsets: readonly StartOffset[]) => Promise<void>;
  readonly print: (line: string) => void;
}

/**
 * Restores a verified backup: loads the collections, brings what the log knows into agreement with them, and lets the consumers continue where
 * they were before the backup. Each step can be repeated, and the marker in the database keeps services from starting until the last one.
 */
export class RestoreBackup {
  readonly target: RestoreTarget;
  private readonly operations: RestoredOperations;

  constructor(private readonly parts: RestoreParts) {
    this.target = new RestoreTarget(parts.db, parts.manifest.id);
    this.operations = new RestoredOperations(parts.db, parts.now);
  }

  /** Checks all that can be checked without a change. @returns the marker of an interrupted restore. @throws AdminError */
  async check(): Promise<RestoreMarker | undefined> {
    const { manifest, kafkaState, requireNoMembers } = this.parts;
    const marker = await this.target.requireEmpty();
    requireLog(manifest.kafka, await kafkaState());
    await requireNoMembers();
    return marker;
  }

  /** @param interrupted the result of `check`. @throws AdminError, or the error of a server: run it again */
  async run(interrupted: RestoreMarker | undefined): Promise<RestoreReport> {
    const { db, manifest, createIndexes, kafkaState, now, print } = this.parts;
    const startedAt = systemClock.now();
    const marker = interrupted ?? (await this.target.begin());
    if (interrupted !== undefined) print('Continuing the restore that was interrupted.');
    await this.load(marker);
    await createIndexes();
    const kafka = await kafkaState();
    requireLog(manifest.kafka, kafka);
    const known = await KnownNumbers.read(db, manifest.highestNumber);
    const findings = new LogFindings(known, await this.operations.kinds());
    const facade = await FacadeNumbers.of(db);
    const former = this.formerPartitions(kafka);
    await this.readLog(kafka, findings, (record) => {
      facade?.note(record);
      former.note(record.partition, record.offset, record.accountKey);
    });
    await this.requireQuiet(kafka);
    const numbers = await this.settleNumbers(findings);
    const facadeNextNumber = await facade?.raise();
    const paused = await this.pause(marker);
    await resetTopicPartitions(db, former.earlier, now());
    await this.parts.requireNoMembers();
    await this.parts.commitOffsets(startOffsets(manifest.kafka, kafka));
    await this.target.end();
    return reportOf(manifest, findings, paused, {
      numbers,
      facadeNextNumber: facadeNextNumber ?? null,
      formerPartitions: former.earlier?.partitions ?? null,
      restoredAt: now().toISOString(),
      seconds: Math.round((systemClock.now() - startedAt) / 100) / 10,
    });
  }

  private async load({ loaded }: RestoreMarker): Promise<void> {
    const { db, directory, manifest, print } = this.parts;
    for (const dump of manifest.collections) {
      if (loaded.includes(dump.name)) continue;
      const startedAt = systemClock.now();
      await loadCollection(db, join(directory, manifest.database), dump);
      await this.target.noteLoaded(dump.name);
      const seconds = ((systemClock.now() - startedAt) / 1_000).toFixed(1);
      if (dump.documents > 0) print(`loaded ${figure(dump.documents)} documents of ${dump.name} (${seconds} s)`);
    }
  }

  /** Reads what was sent since the backup, and stores the batches of orders whose own processing metadata is lost. */
  private async readLog(
    kafka: KafkaState,
    findings: LogFindings,
    note: (record: Awaited<ReturnType<LoggedOrders['read']>>) => void,
  ): Promise<void> {
    const { manifest, print } = this.parts;
    await this.operations.removeBatches(manifest.highestNumber);
    const orders = await this.parts.orders();
    let window: PlacedOrder[] = [];
    for await (const records of this.parts.readLog(writtenSince(manifest.kafka, kafka, ORDERS_TOPIC))) {
      for (const each of records) {
        const record = await orders.read(each);
        note(record);
        const placed = findings.note(record);
        if (placed !== undefined) window.push(placed);
      }
      if (window.length < WINDOW_ORDERS) continue;
      await this.operations.addBatches(toBatches(window));
      window = [];
    }
    await this.operations.addBatches(toBatches(window));
    print(`read ${figure(findings.records)} records that were sent since the backup`);
  }

  /** A producer that still runs could use numbers that are assigned again. */
  private async requireQuiet(before: KafkaState): Promise<void> {
    const after = await this.parts.kafkaState();
    const grown = writtenSince(before, after, ORDERS_TOPIC).find(({ from, to }) => from < to);
    if (grown === undefined) return;
    throw new AdminError(
      'still-written',
      `Records are still written to ${ORDERS_TOPIC} (partition ${grown.partition}): stop the producers, and run the restore again.`,
    );
  }

  private async settleNumbers(findings: LogFindings): Promise<RestoreReport['numbers']> {
    const { db, manifest } = this.parts;
    const { highest, skipped } = findings.highestNumber();
    await raiseReservedNumbers(db, highest);
    await this.operations.addHoles(findings.seen.missing(manifest.highestNumber + 1, highest), manifest.id);
    await this.operations.addLost(findings.lost);
    const withBatches = findings.progressed.filter(({ orders }) => orders > 0);
    await this.operations.reopenIntakes(withBatches.map(({ id }) => id));
    return { backup: manifest.highestNumber, next: highest + 1, skipped };
  }

  private async pause({ paused }: RestoreMarker): Promise<readonly OperationDocument[]> {
    const ids = paused ?? (await this.target.notePaused(await this.operations.running()));
    await this.operations.pause(ids);
    return this.operations.find(ids);
  }

  private formerPartitions(kafka: KafkaState): FormerPartitions {
    const ends = partitionsOf(this.parts.manifest.kafka, ORDERS_TOPIC).map(({ end }) => end);
    return new FormerPartitions(ends, partitionsOf(kafka, ORDERS_TOPIC).length);
  }
}

/** The database that a backup is restored to, and the marker of the restore in it. */
class RestoreTarget {
  constructor(
    private readonly db: Db,
    private readonly backupId: string,
  ) {}

  /**
   * Checks that the database is empty, or has what an interrupted restore of the same backup has left.
   * @returns the marker of the interrupted restore. @throws AdminError `other-restore`, `database-not-empty`
   */
  async requireEmpty(): Promise<RestoreMarker | undefined> {
    const marker = (await this.markers.findOne({})) ?? undefined;
    if (marker !== undefined && marker._id !== this.backupId)
      throw new AdminError(
        'other-restore',
        `Database ${this.db.databaseName} has a part of backup ${marker._id}: restore that one, or drop the database.`,
      );
    if (marker !== undefined) return marker;
    const filled = await this.filledCollections();
    if (filled.length === 0) return undefined;
    throw new AdminError(
      'database-not-empty',
      `Database ${this.db.databaseName} is not empty (${filled.join(', ')}): restore to an empty one, or drop it if nothing in it counts.`,
    );
  }

  /**
   * Refuses while services are connected to this MongoDB: they keep what they know of the lost database in memory, such as the watermark.
   * They may use another database. Prints if the user may not know which are connected.
   * @throws AdminError `connected-services`
   */
  async requireNoServices(print: (line: string) => void): Promise<void> {
    const services = await this.connectedServices();
    if (services === undefined)
      print('This user may not list the connections of MongoDB: make sure that all services are stopped.');
    if (services === undefined || services.length === 0) return;
    throw new AdminError(
      'connected-services',
      `Services are connected to this MongoDB (${services.join(', ')}): stop them. If they use another database of it, add --connected.`,
    );
  }

  /** Marks the database as incomplete, so that no service starts on it. */
  async begin(): Promise<RestoreMarker> {
    const marker = { _id: this.backupId, startedAt: new Date(), loaded: [], paused: null };
    try {
      await this.markers.insertOne(marker);
    } catch (error) {
      if (isDuplicateKey(error))
        throw new AdminError('other-restore', 'Another restore of this backup has begun just now: let it end.', {
          cause: error,
        });
      throw error;
    }
    return marker;
  }

  /** Takes note that a collection is complete. Acknowledged by a majority, and with it all that was inserted before. */
  async noteLoaded(collection: string): Promise<void> {
    await this.markers.updateOne({ _id: this.backupId }, { $addToSet: { loaded: collection } });
  }

  /** Takes note of the operations that will be paused; an interrupted restore has paused them already. */
  async notePaused(operations: readonly string[]): Promise<readonly string[]> {
    await this.markers.updateOne({ _id: this.backupId, paused: null }, { $set: { paused: operations } });
    return (await this.markers.findOne({ _id: this.backupId }))?.paused ?? operations;
  }

  /** Lets the services start. */
  async end(): Promise<void> {
    await this.markers.deleteOne({ _id: this.backupId });
  }

  /** Lists the services by name. @returns `undefined` if the user may not know that */
  private async connectedServices(): Promise<readonly string[] | undefined> {
    const stages = [
      { $currentOp: { allUsers: true, idleConnections: true } },
      { $match: { appName: SERVICE } },
      { $group: { _id: '$appName' } },
      { $sort: { _id: 1 } },
    ];
    try {
      // The stage accepts no other read concern.
      const options = { readConcern: { level: 'local' } } as const;
      const found = await this.db.client.db('admin').aggregate<{ _id: string }>(stages, options).toArray();
      return found.map(({ _id }) => _id);
    } catch (error) {
      if (isMongodbError(error, 'unauthorized')) return undefined;
      throw error;
    }
  }

  private async filledCollections(): Promise<string[]> {
    const listed = await this.db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
    const names = listed
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('system.') && !OPERATIONAL_COLLECTIONS.has(name))
      .toSorted();
    const found = await Promise.all(
      names.map(async (name) =>
        (await this.db.collection(name).findOne({}, { projection: { _id: 1 } })) === null ? [] : [name],
      ),
    );
    return found.flat();
  }

  private get markers() {
    return restoresCollection(this.db);
  }
}

/**
 * Loads one collection, without indexes. What an interrupted restore has loaded of it is dropped first.
 * @throws AdminError `incomplete-load`, or the driver's error
 */
async function loadCollection(db: Db, folder: string, dump: CollectionDump): Promise<void> {
  const { name, documents, data, metadata } = dump;
  const { options } = await readMetadata(join(folder, metadata.file));
  await dropIfExists(db, name);
  await db.createCollection(name, options);
  // The end of the restore is written with a majority, and all inserts are before it.
  const collection = db.collection(name, { writeConcern: { w: 1, journal: false } });
  const running = new Set<Promise<void>>();
  const insert = async (group: readonly Buffer[]): Promise<void> => {
    const decoded = group.map((bytes) => BSON.deserialize(bytes, EXACT));
    await collection.insertMany(decoded, { ordered: false });
  };
  for await (const group of readDump(join(folder, data.file))) {
    const inserting: Promise<void> = insert(group).finally(() => running.delete(inserting));
    running.add(inserting);
    if (running.size >= CONCURRENT_INSERTS) await Promise.race(running);
  }
  await Promise.all(running);
  const found = await collection.estimatedDocumentCount();
  if (found !== documents)
    throw new AdminError(
      'incomplete-load',
      `Collection ${name} has ${found} documents after its load, not ${documents}. Run the restore again.`,
    );
}

/** Returns the indexes of a collection that its operator made: not those of this program, which the migration creates. */
export async function ownIndexes(folder: string, { name, metadata }: CollectionDump): Promise<Document[]> {
  const { indexes } = await readMetadata(join(folder, metadata.file));
  const known = (INDEXES as Readonly<Record<string, readonly { name: string }[]>>)[name] ?? [];
  const retired = (RETIRED.indexes as Readonly<Record<string, readonly string[]>>)[name] ?? [];
  const notOwn = new Set(['_id_', ...known.map((index) => index.name), ...retired]);
  return indexes.filter((index) => !notOwn.has(String(index['name'])));
}

async function dropIfExists(db: Db, name: string): Promise<void> {
  try {
    await db.dropCollection(name);
  } catch (error) {
    if (!isMongodbError(error, 'namespaceNotFound')) throw error;
  }
}
