import { join } from 'node:path';
import type { Clock } from '@orders-pipeline/clock';
import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';
import type { Db } from 'mongodb';
import { raiseReservedNumbers } from '#orders/numbering/number-blocks.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { RestoreMarker } from '#service/mongodb/connect-prepared.js';
import type { KafkaState, Manifest } from '../backup/manifest.js';
import { FacadeNumbers } from './facade-numbers.js';
import {
  partitionsOf,
  requireLog,
  startOffsets,
  writtenSince,
  type LogRange,
  type StartOffset,
} from './kafka-obstacles.js';
import { KnownNumbers } from './known-numbers.js';
import { loadCollection } from './load-collection.js';
import { LogFindings } from './log-findings.js';
import { toBatches, type PlacedOrder } from './logged-batches.js';
import type { LoggedOrders } from './logged-order.js';
import { RestoreError } from './restore-error.js';
import { reportOf, type RestoreReport } from './restore-report.js';
import { RestoredOperations } from './restored-operations.js';
import type { RestoreTarget } from './restore-target.js';
import { FormerPartitions, resetTopicPartitions } from './topic-partitions.js';

export interface RestoreParts {
  readonly db: Db;
  /** MongoDB's time. */
  readonly now: () => Date;
  readonly directory: string;
  readonly manifest: Manifest;
  readonly target: RestoreTarget;
  /** Creates the indexes of this version, and those that the operator had made. */
  readonly createIndexes: () => Promise<void>;
  readonly kafkaState: () => Promise<KafkaState>;
  readonly readLog: (ranges: readonly LogRange[]) => AsyncIterable<readonly ConsumedRecord[]>;
  readonly orders: () => Promise<LoggedOrders>;
  readonly requireNoMembers: () => Promise<void>;
  readonly commitOffsets: (offsets: readonly StartOffset[]) => Promise<void>;
  readonly clock: Clock;
  readonly print: (line: string) => void;
}

/** Orders of the log that are kept until their batches are stored. */
const WINDOW_ORDERS = 100_000;

/**
 * Restores a verified backup: loads the collections, brings what the log knows into agreement with them, and lets the consumers continue where
 * they were before the backup. Each step can be repeated, and the marker in the database keeps services from starting until the last one.
 */
export class RestoreBackup {
  private readonly operations: RestoredOperations;

  constructor(private readonly parts: RestoreParts) {
    this.operations = new RestoredOperations(parts.db, parts.now);
  }

  /** Checks all that can be checked without a change. @returns the marker of an interrupted restore. @throws RestoreError */
  async check(): Promise<RestoreMarker | undefined> {
    const { manifest, target, kafkaState, requireNoMembers } = this.parts;
    const marker = await target.requireEmpty();
    requireLog(manifest.kafka, await kafkaState());
    await requireNoMembers();
    return marker;
  }

  /** @param interrupted the result of `check`. @throws RestoreError, or the error of a server: run it again */
  async run(interrupted: RestoreMarker | undefined): Promise<RestoreReport> {
    const { db, manifest, target, createIndexes, kafkaState, now, clock, print } = this.parts;
    const startedAt = clock.now();
    const marker = interrupted ?? (await target.begin());
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
    await target.end();
    const formerPartitions = former.earlier?.partitions;
    const seconds = Math.round((clock.now() - startedAt) / 100) / 10;
    return reportOf({
      manifest,
      findings,
      numbers,
      paused,
      facadeNextNumber,
      formerPartitions,
      restoredAt: now(),
      seconds,
    });
  }

  private async load({ loaded }: RestoreMarker): Promise<void> {
    const { db, directory, manifest, target, clock, print } = this.parts;
    for (const dump of manifest.collections) {
      if (loaded.includes(dump.name)) continue;
      const startedAt = clock.now();
      await loadCollection(db, join(directory, manifest.database), dump);
      await target.noteLoaded(dump.name);
      const seconds = ((clock.now() - startedAt) / 1_000).toFixed(1);
      if (dump.documents > 0)
        print(`loaded ${dump.documents.toLocaleString('en-US')} documents of ${dump.name} (${seconds} s)`);
    }
  }

  /** Reads what was sent since the backup, and stores the batches of orders whose own bookkeeping is lost. */
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
    print(`read ${findings.records.toLocaleString('en-US')} records that were sent since the backup`);
  }

  /** A producer that still runs could use numbers that are assigned again. */
  private async requireQuiet(before: KafkaState): Promise<void> {
    const after = await this.parts.kafkaState();
    const grown = writtenSince(before, after, ORDERS_TOPIC).find(({ from, to }) => from < to);
    if (grown === undefined) return;
    throw new RestoreError(
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
    const ids = paused ?? (await this.parts.target.notePaused(await this.operations.running()));
    await this.operations.pause(ids);
    return this.operations.find(ids);
  }

  private formerPartitions(kafka: KafkaState): FormerPartitions {
    const ends = partitionsOf(this.parts.manifest.kafka, ORDERS_TOPIC).map(({ end }) => end);
    return new FormerPartitions(ends, partitionsOf(kafka, ORDERS_TOPIC).length);
  }
}
