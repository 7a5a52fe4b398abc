import { Injectable } from '@nestjs/common';
import { pause, succeededWithin, systemClock } from '@orders-pipeline/clock';
import { headersToProduce, type OutgoingRecord, RecordsRejectedError } from '@orders-pipeline/parallel-consumer';
import { type DeadLetterDocument, redriveHeaders } from '#orders/dead-letter/dead-letters.js';
import { operationsCollection, type RedriveDocument } from '#orders/operation/operation.js';
import { OrderCodec, UndecodableOrderError } from '#orders/order/order-codec.js';
import {
  type Positions,
  type TopicPositions,
  DEAD_LETTER_GROUP,
  DEAD_LETTER_TOPIC,
  ORDERS_CONSUMER_GROUP,
  ORDERS_TOPIC,
} from '#orders/topics/topics.js';
import { type EarlierPartitions, earlierPartitions, partitionsAt } from '#orders/topics/topic-partitions.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeasedJob, STOP_TIMEOUT_MS, WakeUp } from '../background/leased-job.js';
import { type HeldLease, Leases, partInField } from '../background/operation-leases.js';
import { type LetterRecord, LetterRecords } from '../dead-letters/letter-records.js';
import { abortableSleep, RateSchedule } from '../publishing/publish-segment.js';
import { OrdersTopic } from '../publishing/orders-topic.js';
import type { SendGate } from '../publishing/send-gate.js';
import { RedriveProgress } from '../operations/order-outcomes.js';
import { RedrivenLetters, type SentLetter } from './redriven-letters.js';

/**
 * Returns the partition for a redriven record. The original one has the other records of its key, independent of the producer's
 * partitioner. Since the topic got more partitions, that of the key has the newer ones.
 * @param origin where the record was
 */
export function redrivePartition(
  origin: { readonly partition: number; readonly offset: number },
  key: Buffer | null,
  earlier: readonly EarlierPartitions[],
  gate: Pick<SendGate, 'partitions' | 'partitionOf'>,
): number {
  const isEarlier = partitionsAt(earlier, gate.partitions, origin) !== gate.partitions;
  return isEarlier && key !== null ? gate.partitionOf(String(key)) : origin.partition;
}

/** The committed offsets of the consumers at one moment, and the end offsets of the dead-letter topic after it. */
interface Moment {
  readonly committed: Positions;
  readonly letters: Positions;
}

/** Determines the outcomes of the dead letters of one redrive. */
export class RedriveOutcomes {
  private moment: Moment | undefined;

  constructor(
    private readonly id: string,
    private readonly letters: Pick<RedrivenLetters, 'judge'>,
    private readonly positions: TopicPositions,
  ) {}

  /**
   * Judges the dead letters whose record the consumers have committed, once all dead letters of that moment are projected to MongoDB.
   * The order matters: the committed offsets are read before the end of the dead-letter topic. The moment is kept until the projection
   * reaches it, because the projection may never reach the current end while new dead letters keep arriving.
   */
  async judge(): Promise<void> {
    this.moment ??= {
      committed: await this.positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC),
      letters: await this.positions.ends(DEAD_LETTER_TOPIC),
    };
    const { committed, letters } = this.moment;
    const projected = await this.positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
    if ([...letters].some(([partition, end]) => (projected.get(partition) ?? 0) < end)) return;
    this.moment = undefined;
    for (const [partition, offset] of committed) await this.letters.judge(this.id, partition, offset);
  }
}

/** Maximum number of dead letters that are read and sent at once. */
const BATCH = 200;
const QUERY_LIMIT = 2_000;
const JUDGE_INTERVAL_MS = 250;

/** A dead letter that can be sent, its record, and the id of its order if it can be decoded. */
interface Movable {
  readonly letter: DeadLetterDocument;
  readonly record: OutgoingRecord;
  readonly orderId: string | null;
}

/** Sends the dead letters of a redrive again, and waits until the outcome of each one is known. */
@Injectable()
export class RedriveWork {
  constructor(
    private readonly letters: RedrivenLetters,
    private readonly progress: RedriveProgress,
    private readonly records: LetterRecords,
    private readonly codec: OrderCodec,
    private readonly topic: OrdersTopic,
    private readonly positions: KafkaPositions,
    private readonly mongo: Mongo,
  ) {}

  /** Creates the outcomes of a redrive. Call it once per execution. */
  createOutcomes(id: string): RedriveOutcomes {
    return new RedriveOutcomes(id, this.letters, this.positions);
  }

  /** Sends the unsent dead letters. Returns early when the signal aborts. */
  async send({ _id, ratePerSecond }: RedriveDocument, outcomes: RedriveOutcomes, signal: AbortSignal): Promise<void> {
    const rate = new RateSchedule(ratePerSecond, systemClock.now());
    const atOnce = ratePerSecond === null ? BATCH : Math.max(1, Math.min(BATCH, Math.floor(ratePerSecond)));
    let sent = 0;
    let judgedAt = systemClock.now();
    for (;;) {
      // Reads many dead letters at once, because the cost of the query grows with the number of all of them.
      const letters = await this.letters.unsent(_id, QUERY_LIMIT);
      if (letters.length === 0) return;
      for (let at = 0; at < letters.length; at += atOnce) {
        await abortableSleep(rate.untilDue(sent, systemClock.now()), signal);
        if (signal.aborted) return;
        const some = letters.slice(at, at + atOnce);
        await this.topic.gate.pass(async () => this.sendBatch(_id, some));
        sent += some.length;
        if (systemClock.now() - judgedAt < JUDGE_INTERVAL_MS) continue;
        await outcomes.judge();
        judgedAt = systemClock.now();
      }
    }
  }

  /** Waits until the outcome of every sent dead letter is known or the signal aborts. */
  async follow(id: string, outcomes: RedriveOutcomes, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await outcomes.judge();
      if ((await this.progress.counts(id)).waiting === 0) return;
      await pause(systemClock, JUDGE_INTERVAL_MS);
    }
  }

  private async sendBatch(id: string, letters: readonly DeadLetterDocument[]): Promise<void> {
    const [records, earlier] = await Promise.all([this.records.read(letters), earlierPartitions(this.mongo.db)]);
    const movable: Movable[] = [];
    const unmovable: string[] = [];
    for (const letter of letters) {
      const record = records.get(letter._id);
      if (record === undefined || typeof record === 'string' || !this.hasPartition(letter)) unmovable.push(letter._id);
      else movable.push(await this.toMovable(letter, record, earlier));
    }
    const { sent, refused } = await this.sendAll(movable);
    await this.letters.markSent(id, sent);
    await this.letters.markUnmovable(id, [...unmovable, ...refused]);
  }

  /** Whether the partition exists. The Kafka client would wait for a missing partition, and block the whole batch. */
  private hasPartition({ origin: { topic, partition } }: DeadLetterDocument): boolean {
    return topic === ORDERS_TOPIC && partition < this.topic.gate.partitions;
  }

  private async toMovable(
    letter: DeadLetterDocument,
    record: LetterRecord,
    earlier: readonly EarlierPartitions[],
  ): Promise<Movable> {
    const { key, value, headers } = record;
    const again = redriveHeaders({ letterId: letter._id, redrive: letter.redrives ?? 1 });
    return {
      letter,
      record: {
        partition: redrivePartition(letter.origin, key, earlier, this.topic.gate),
        key,
        value,
        headers: { ...headersToProduce(headers), ...again },
      },
      orderId: await this.orderIdIn(value),
    };
  }

  /** @throws when the schema registry is unavailable; the consumers could not save anything then either */
  private async orderIdIn(value: Buffer | null): Promise<string | null> {
    try {
      await this.codec.learn(value);
      return this.codec.decode(value).id;
    } catch (error) {
      if (error instanceof UndecodableOrderError) return null;
      throw error;
    }
  }

  /** Sends a batch. Kafka rejects a whole batch for one record; then each record is sent alone. */
  private async sendAll(movable: readonly Movable[]): Promise<{ sent: SentLetter[]; refused: string[] }> {
    if (movable.length === 0) return { sent: [], refused: [] };
    try {
      return { sent: await this.sendTogether(movable), refused: [] };
    } catch (error) {
      if (!(error instanceof RecordsRejectedError)) throw error;
      if (movable.length === 1) return { sent: [], refused: movable.map(({ letter }) => letter._id) };
    }
    const ends = { sent: [] as SentLetter[], refused: [] as string[] };
    for (const one of movable) {
      const { sent, refused } = await this.sendAll([one]);
      ends.sent.push(...sent);
      ends.refused.push(...refused);
    }
    return ends;
  }

  private async sendTogether(movable: readonly Movable[]): Promise<SentLetter[]> {
    const acknowledged = await this.topic.send(movable.map(({ record }) => record));
    const isPlaced = acknowledged.every(({ baseOffset }) => baseOffset >= 0);
    // Kafka already had a batch and does not return its offset; it is before the end.
    const ends = isPlaced ? undefined : await this.positions.ends(ORDERS_TOPIC);
    const offsets = new Map<number, number[]>();
    for (const { partition, baseOffset, records } of acknowledged) {
      const placed = Array.from({ length: records }, (_, place) =>
        baseOffset < 0 ? (ends?.get(partition) ?? 0) - 1 : baseOffset + place,
      );
      offsets.set(partition, [...(offsets.get(partition) ?? []), ...placed]);
    }
    return movable.map(({ letter, record: { partition }, orderId }) => {
      const offset = offsets.get(partition)?.shift() ?? 0;
      return { id: letter._id, partition, offset, orderId };
    });
  }
}

/** Maximum number of concurrent redrives per process. A redrive mostly waits, for its rate or for the consumers. */
const MAX_CONCURRENT = 16;
/** The process that received the request selects the dead letters. After this time, in ms, it counts as crashed. */
const SELECTING_MS = 600_000;

type Redriving = NonNullable<RedriveDocument['redriving']>;
type RedriveLease = HeldLease<RedriveDocument, Redriving>;

const REDRIVING = partInField<RedriveDocument, Redriving>('redriving', (operation) =>
  operation.kind === 'redrive' && operation.redriving ? { operation, part: operation.redriving } : undefined,
);

/** Executes redrives. */
@Injectable()
export class RedriveJob extends LeasedJob<RedriveLease> {
  protected override readonly isConcurrent = true;
  /** The outcomes of paused redrives, kept between polls. */
  private paused = new Map<string, RedriveOutcomes>();
  private judging: Promise<unknown> | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly leases: Leases,
    private readonly letters: RedrivenLetters,
    private readonly progress: RedriveProgress,
    private readonly work: RedriveWork,
    wakeUp: WakeUp,
  ) {
    super(wakeUp);
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    if (this.judging !== undefined) await succeededWithin(this.clock, STOP_TIMEOUT_MS, this.judging);
  }

  /**
   * Claims the oldest redrive that no process executes. A redrive to be cancelled does not wait for a free slot, so that its dead letters
   * are released at once.
   */
  protected async claim(): Promise<RedriveLease | null> {
    const uninterrupted = { status: 'running', interruption: null } as const;
    const crashedBefore = new Date(this.mongo.time.now().getTime() - SELECTING_MS);
    return this.leases.claim(
      REDRIVING,
      {
        kind: 'redrive',
        redriving: { $ne: null },
        $and: [
          { $or: [{ interruption: 'cancel' }, ...(this.runningCount < MAX_CONCURRENT ? [uninterrupted] : [])] },
          { $or: [{ 'redriving.isSelected': true }, { requestedAt: { $lt: crashedBefore } }] },
        ],
      },
      { change: { status: 'running' } },
    );
  }

  /** Starts to judge paused redrives in the background, once at a time, so that a cancellation works while Kafka hangs. */
  protected async idle(): Promise<void> {
    this.judging ??= this.attempt('judge paused redrives', async () => this.judgePaused()).finally(() => {
      this.judging = undefined;
    });
    return Promise.resolve();
  }

  protected async run(lease: RedriveLease, signal: AbortSignal): Promise<void> {
    const { operation } = lease;
    const { _id: id, interruption } = operation;
    this.logger.log({ operation: id, interruption }, 'redriving');
    if (operation.startedAt === null) await lease.update({ startedAt: this.mongo.time.now() });
    const isCancelled = interruption === 'cancel';
    if (!lease.part.isSelected) {
      const letters = isCancelled ? 0 : await this.letters.select(operation);
      await lease.update({ letters, 'redriving.isSelected': true });
    }
    const outcomes = this.work.createOutcomes(id);
    if (isCancelled) await this.letters.releaseUnsent(id);
    else await this.work.send(operation, outcomes, signal);
    // Also for a cancelled redrive, because sent dead letters are still in flight.
    await this.work.follow(id, outcomes, signal);
    await this.end(lease, isCancelled ? 'cancelled' : 'succeeded');
    // A pause or cancellation has to be settled.
    this.wakeUp.call();
  }

  /** Ends the redrive if the outcome of each dead letter is known, and releases it otherwise. */
  private async end(lease: RedriveLease, status: 'succeeded' | 'cancelled'): Promise<void> {
    const { _id: operation } = lease.operation;
    const counts = await this.progress.counts(operation);
    const { waiting, unsent, missing } = counts;
    if (missing > 0) this.logger.error({ operation, missing }, 'redriven records are neither saved nor dead-lettered');
    const finishedAt = this.mongo.time.now();
    if (waiting + unsent > 0) await lease.release();
    else await lease.update({ status, ended: counts, finishedAt, interruption: null, redriving: null });
  }

  /** Judges the dead letters that were sent before a pause: a pause only stops sending. */
  private async judgePaused(): Promise<void> {
    const before = this.paused;
    const paused = await operationsCollection(this.mongo.db)
      .find({ kind: 'redrive', status: 'paused' })
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    this.paused = new Map(paused.map(({ _id }) => [_id, before.get(_id) ?? this.work.createOutcomes(_id)]));
    for (const [id, outcomes] of this.paused) if ((await this.progress.counts(id)).waiting > 0) await outcomes.judge();
  }
}
