import { Injectable } from '@nestjs/common';
import { type DeadLetterDocument, redriveHeaders } from '#orders/dead-letter/dead-letters.js';
import type { RedriveDocument } from '#orders/operation/operation.js';
import { OrderCodec, UndecodableOrderError } from '#orders/order/order-codec.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { earlierPartitions, type EarlierPartitions } from '#orders/topics/topic-partitions.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { pause, systemClock } from '@orders-pipeline/clock';
import { headersToProduce, RecordsRejectedError, type OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { LetterRecords, type LetterRecord } from '../dead-letters/letter-records.js';
import { OrdersTopic } from '../emission/orders-topic.js';
import { Pace } from '../emission/pace.js';
import { untilDue } from '../emission/until-due.js';
import { RedriveProgress } from '../operations/redrive-progress.js';
import { redrivePartition } from './redrive-partition.js';
import { RedriveOutcomes } from './redrive-outcomes.js';
import { RedrivenLetters, type SentLetter } from './redriven-letters.js';

/** Maximum number of letters that are read and sent at once. */
const BATCH = 200;
const QUERY_LIMIT = 2_000;
const JUDGE_INTERVAL_MS = 250;

/** A letter that can be sent, its record, and the id of its order if it can be decoded. */
interface Movable {
  readonly letter: DeadLetterDocument;
  readonly record: OutgoingRecord;
  readonly orderId: string | null;
}

/** Sends the letters of a redrive again, and waits until the outcome of each one is known. */
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

  /** Sends the unsent letters. Returns early when the signal aborts. */
  async send({ _id, ratePerSecond }: RedriveDocument, outcomes: RedriveOutcomes, signal: AbortSignal): Promise<void> {
    const pace = new Pace(ratePerSecond, systemClock.now());
    const atOnce = ratePerSecond === null ? BATCH : Math.max(1, Math.min(BATCH, Math.floor(ratePerSecond)));
    let sent = 0;
    let judgedAt = systemClock.now();
    for (;;) {
      // Reads many letters at once, because the cost of the query grows with the number of all letters.
      const letters = await this.letters.unsent(_id, QUERY_LIMIT);
      if (letters.length === 0) return;
      for (let at = 0; at < letters.length; at += atOnce) {
        await untilDue(pace.untilDue(sent, systemClock.now()), signal);
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

  /** Waits until the outcome of every sent letter is known or the signal aborts. */
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
