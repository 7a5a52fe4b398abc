import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Kafka } from 'kafkajs';
import type { Db } from 'mongodb';
import { LazyAdmin } from '@orders-pipeline/parallel-consumer/kafkajs';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { chunksCollection, chunksOf } from '#orders/operation/acknowledged-chunks.js';
import { filesAfter, manifestCollection, manifestTotals } from '#orders/imports/import-manifest.js';
import { importRowsCollection } from '#orders/imports/import-rows.js';
import { operationsCollection, type OrdersDocument } from '#orders/operation/operation.js';
import { blocksOf, outsideOf, settledBlocksCollection, settledTotals } from '#orders/settled/settled-blocks.js';
import { type Positions, DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC } from '#orders/topics/topics.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { ImportRejects } from '../imports/import-manifest.js';
import { settings } from '../settings.js';

/** Documents that are removed at once: more would exceed the time-out of a write. */
const SLICE = 5_000;
/** How long saved and discarded dead letters, the files and the rejected rows of imports are kept, in ms. A backup of that age can be restored. */
const RETENTION_MS = settings.SETTLED_RETENTION_DAYS * 24 * 60 * 60 * 1_000;

/** Whether something of an operation is left: until when it is kept, or `open` if a dead letter is neither saved nor discarded. */
type Left = 'nothing' | 'open' | { readonly until: Date };

/** Removes what an operation has besides its blocks, once all of these are verified. */
@Injectable()
export class OperationLeftovers {
  constructor(
    private readonly mongo: Mongo,
    private readonly rejects: ImportRejects,
  ) {}

  /** @param rest is awaited after each part */
  async remove(operation: OrdersDocument, rest: () => Promise<void>): Promise<Left> {
    const { _id: operationId } = operation;
    const letters = deadLettersCollection(this.db);
    const open = await letters.countDocuments({ operationId, state: { $in: ['pending', 'redriving'] } }, { limit: 1 });
    if (open > 0) return 'open';
    if (operation.kind === 'import') await this.removeUnsentRows(operationId, rest);
    // Those of a cancelled operation that were stored, and not counted as acknowledged.
    await chunksCollection(this.db).deleteMany(chunksOf(operationId));
    const until = new Date((await this.verifiedAt(operation)).getTime() + RETENTION_MS);
    if (until > this.mongo.time.now()) return (await this.hasRetained(operation)) ? { until } : 'nothing';
    if (await this.isRedriven(operationId)) return 'open';
    if (operation.kind === 'import') await this.removeManifest(operationId);
    await this.removeLetters(operationId, rest);
    return 'nothing';
  }

  /** Returns when the operation ended, or its last block was verified. */
  private async verifiedAt({ _id, finishedAt, requestedAt }: OrdersDocument): Promise<Date> {
    const last = await settledBlocksCollection(this.db).findOne(blocksOf(_id), { sort: { verifiedAt: -1 } });
    return new Date(Math.max((finishedAt ?? requestedAt).getTime(), last?.verifiedAt.getTime() ?? 0));
  }

  private async hasRetained({ _id: operationId, kind }: OrdersDocument): Promise<boolean> {
    if (kind === 'import') return true;
    return (await deadLettersCollection(this.db).countDocuments({ operationId }, { limit: 1 })) > 0;
  }

  /** Removes the rows that a cancelled or failed import has not sent: another import may bring these orders. */
  private async removeUnsentRows(operationId: string, rest: () => Promise<void>): Promise<void> {
    const rows = importRowsCollection(this.db);
    const unsent = { operationId, ...outsideOf(await settledTotals(this.db, operationId), 'index') };
    const find = async () => rows.find(unsent).limit(SLICE).toArray();
    for (let some = await find(); some.length > 0; some = await find()) {
      await rows.deleteMany({ _id: { $in: some.map(({ _id }) => _id) }, operationId });
      await rest();
    }
  }

  /** Whether a redrive of its dead letters has not ended: it counts them. */
  private async isRedriven(operationId: string): Promise<boolean> {
    const redrives = await deadLettersCollection(this.db).distinct('tries.operationId', { operationId });
    const running = { _id: { $in: redrives as string[] }, status: { $in: ['running', 'paused'] } } as const;
    return (await operationsCollection(this.db).countDocuments(running, { limit: 1 })) > 0;
  }

  private async removeManifest(operationId: string): Promise<void> {
    const totals = await manifestTotals(this.db, operationId);
    await operationsCollection(this.db).updateOne({ _id: operationId }, { $set: { manifestTotals: totals } });
    await manifestCollection(this.db).deleteMany({ _id: filesAfter(operationId, -1) });
    await this.rejects.remove(operationId);
  }

  private async removeLetters(operationId: string, rest: () => Promise<void>): Promise<void> {
    const letters = deadLettersCollection(this.db);
    const final = { operationId, state: { $in: ['saved', 'discarded'] } } as const;
    const find = async () => letters.find(final).limit(SLICE).toArray();
    for (let some = await find(); some.length > 0; some = await find()) {
      await letters.deleteMany({ _id: { $in: some.map(({ _id }) => _id) }, ...final });
      await rest();
    }
  }

  private get db(): Db {
    return this.mongo.db;
  }
}

/**
 * Removes the records of dead letters that nothing needs any more from the dead-letter topic, which Kafka keeps for ever: those before the
 * oldest dead letter in MongoDB. Kafka removes whole segments.
 */
export class LetterTopic implements OnApplicationShutdown {
  private readonly admin: LazyAdmin;

  constructor(
    kafka: Kafka,
    private readonly mongo: Mongo,
    private readonly positions: KafkaPositions,
  ) {
    this.admin = new LazyAdmin(kafka);
  }

  /** @returns the partitions of which records were removed. @throws when Kafka or MongoDB is unavailable */
  async trim(): Promise<number> {
    const admin = await this.admin.connected();
    // Read before the dead letters: those before it are in MongoDB, unless they are removed.
    const projected = await this.positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
    const retainedSince = this.mongo.time.now().getTime() - RETENTION_MS;
    const old = await admin.fetchTopicOffsetsByTimestamp(DEAD_LETTER_TOPIC, retainedSince);
    const kept = await this.oldestLetters();
    const starts = new Map(
      (await admin.fetchTopicOffsets(DEAD_LETTER_TOPIC)).map(({ partition, low }) => [partition, Number(low)]),
    );
    const partitions = old
      .map(({ partition, offset }) => ({ partition, offset: trimOffset(partition, Number(offset), projected, kept) }))
      .filter(({ partition, offset }) => offset > (starts.get(partition) ?? 0))
      .map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    if (partitions.length > 0) await admin.deleteTopicRecords({ topic: DEAD_LETTER_TOPIC, partitions });
    return partitions.length;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.admin.close();
  }

  /** Returns the lowest offset of the dead letters of each partition that has some. */
  private async oldestLetters(): Promise<Positions> {
    const oldest = await deadLettersCollection(this.mongo.db)
      .aggregate<{ _id: number; offset: number }>([
        { $group: { _id: '$letter.partition', offset: { $min: '$letter.offset' } } },
      ])
      .toArray();
    return new Map(oldest.map(({ _id, offset }) => [_id, offset]));
  }
}

/**
 * Returns the offset before which nothing is needed: it is older than the retention, in MongoDB, and no dead letter is left there.
 * @param old the first offset that is not older than the retention
 */
export function trimOffset(partition: number, old: number, projected: Positions, kept: Positions): number {
  return Math.min(old, projected.get(partition) ?? 0, kept.get(partition) ?? Number.POSITIVE_INFINITY);
}
