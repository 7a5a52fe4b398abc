import { Injectable } from '@nestjs/common';
import type { DeadLetterDocument } from '#orders/dead-letters.js';
import type { RedriveDocument } from '#orders/operation.js';
import { OrderCodec, UndecodableOrderError } from '#orders/order-codec.js';
import { redriveHeaders } from '#orders/redrive-headers.js';
import { TopicPositions } from '#orders/topic-positions.js';
import { ORDERS_TOPIC } from '#orders/topics.js';
import { pause, systemClock } from '#parallel-consumer/clock.js';
import { RecordsRefusedError } from '#parallel-consumer/records/records-refused.js';
import type { OutgoingRecord } from '#parallel-consumer/record.js';
import { LetterRecords, type LetterRecord } from '../dead-letters/letter-records.js';
import { OrdersTopic } from '../emission/orders-topic.js';
import { Pace } from '../emission/pace.js';
import { untilDue } from '../emission/until-due.js';
import { RedriveOutcomes } from './redrive-outcomes.js';
import { RedrivenLetters, type SentLetter } from './redriven-letters.js';

/** Letters that are read and sent at once. */
const BATCH = 200;
const LOOKED_UP = 2_000;
const JUDGE_EVERY_MS = 250;

/** A letter that can be sent, and the order that can be read in it. */
interface Movable {
  readonly letter: DeadLetterDocument;
  readonly record: OutgoingRecord;
  readonly orderId: string | null;
}

/** What is done with the letters of a redrive: sent again, and followed until it is known how each one ended. */
@Injectable()
export class RedriveWork {
  constructor(
    private readonly letters: RedrivenLetters,
    private readonly records: LetterRecords,
    private readonly codec: OrderCodec,
    private readonly topic: OrdersTopic,
    private readonly positions: TopicPositions,
  ) {}

  /** To be asked for once for each time that a redrive is done. */
  outcomesOf(id: string): RedriveOutcomes {
    return new RedriveOutcomes(id, this.letters, this.positions);
  }

  /** Sends those that aren't sent yet. @returns before all are, once the signal is aborted */
  async send({ _id, ratePerSecond }: RedriveDocument, outcomes: RedriveOutcomes, signal: AbortSignal): Promise<void> {
    const pace = new Pace(ratePerSecond, systemClock.now());
    const atOnce = ratePerSecond === null ? BATCH : Math.max(1, Math.min(BATCH, Math.floor(ratePerSecond)));
    let sent = 0;
    let judgedAt = systemClock.now();
    for (;;) {
      // Many are looked up at once, since that costs as much as there are.
      const letters = await this.letters.unsent(_id, LOOKED_UP);
      if (letters.length === 0) return;
      for (let at = 0; at < letters.length; at += atOnce) {
        await untilDue(pace.untilDue(sent, systemClock.now()), signal);
        if (signal.aborted) return;
        const some = letters.slice(at, at + atOnce);
        await this.sendSome(_id, some);
        sent += some.length;
        if (systemClock.now() - judgedAt < JUDGE_EVERY_MS) continue;
        await outcomes.judge();
        judgedAt = systemClock.now();
      }
    }
  }

  /** Waits until the consumers are past all that was sent, and it is known how each one ended, or until the signal. */
  async follow(id: string, outcomes: RedriveOutcomes, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await outcomes.judge();
      if ((await this.letters.counts(id)).waiting === 0) return;
      await pause(systemClock, JUDGE_EVERY_MS);
    }
  }

  private async sendSome(id: string, letters: readonly DeadLetterDocument[]): Promise<void> {
    const records = await this.records.read(letters);
    const movable: Movable[] = [];
    const unmovable: string[] = [];
    for (const letter of letters) {
      const record = records.get(letter._id);
      if (record === undefined || typeof record === 'string' || !this.hasPlaceFor(letter)) unmovable.push(letter._id);
      else movable.push(await this.movable(letter, record));
    }
    const { sent, refused } = await this.sendAll(movable);
    await this.letters.markSent(id, sent);
    await this.letters.markUnmovable(id, [...unmovable, ...refused]);
  }

  /** Kafka's client would wait for a partition that there is not, and all that is produced with it. */
  private hasPlaceFor({ origin: { topic, partition } }: DeadLetterDocument): boolean {
    return topic === ORDERS_TOPIC && partition < this.topic.partitions;
  }

  private async movable(letter: DeadLetterDocument, record: LetterRecord): Promise<Movable> {
    const { key, value, headers } = record;
    const again = redriveHeaders({ letterId: letter._id, redrive: letter.redrives ?? 1 });
    return {
      letter,
      // Where its key belongs: whatever partitioner its producer had, the others of its key are there.
      record: { partition: letter.origin.partition, key, value, headers: { ...headers, ...again } },
      orderId: await this.orderIdIn(value),
    };
  }

  /** @throws when the registry can't be asked: without it nothing could be saved either */
  private async orderIdIn(value: Buffer | null): Promise<string | null> {
    try {
      await this.codec.learn(value);
      return this.codec.decode(value).id;
    } catch (error) {
      if (error instanceof UndecodableOrderError) return null;
      throw error;
    }
  }

  /** Kafka refuses a batch for one record of it: then each goes by itself. */
  private async sendAll(movable: readonly Movable[]): Promise<{ sent: SentLetter[]; refused: string[] }> {
    if (movable.length === 0) return { sent: [], refused: [] };
    try {
      return { sent: await this.sendTogether(movable), refused: [] };
    } catch (error) {
      if (!(error instanceof RecordsRefusedError)) throw error;
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
    // Kafka had a batch already and doesn't say where: somewhere before the end.
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
