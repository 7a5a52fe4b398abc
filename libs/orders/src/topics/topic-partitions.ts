import type { Collection, Db } from 'mongodb';
import { ORDERS_TOPIC } from './topics.js';
import { timeLimit } from '../time-limit.js';

/** A process that sends to the orders topic. It is listed before it sends anything. */
export interface RegisteredProducer {
  /** A UUID, unique to the process. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Its last sign of life, by MongoDB's clock. It renews this once a second. */
  readonly at: Date;
  /** The expansion for which it has received its last acknowledgement and closed its connections; `null` while it may send. */
  readonly closedFor: string | null;
}

/**
 * More partitions that are being added.
 * - `closing`: the producers close, and the consumers commit every record; it can be aborted
 * - `growing`: nothing is sent or uncommitted; from here on it can only be completed
 */
export interface Expansion {
  /** A UUID. */
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly phase: 'closing' | 'growing';
  /** By MongoDB's clock. */
  readonly startedAt: Date;
}

/** A partition count that the orders topic had before. */
export interface EarlierPartitions {
  readonly partitions: number;
  /** The end offset of each partition when the next count began: records below were written under this count or an earlier one. */
  readonly ends: readonly number[];
  /** By MongoDB's clock. */
  readonly until: Date;
}

/** Who sends to the orders topic, under how many partitions, and under how many before. There is one document. */
export interface TopicPartitions {
  readonly _id: typeof ORDERS_TOPIC;
  readonly producers: readonly RegisteredProducer[];
  /** `null`: all producers may send. */
  readonly expansion: Expansion | null;
  /** Oldest first. */
  readonly earlier: readonly EarlierPartitions[];
}

export const SIGN_OF_LIFE_EVERY_MS = 1_000;
/** A producer without a sign of life for this time is silent: it hangs, or has ended without a word. */
export const SILENT_AFTER_MS = timeLimit(10 * SIGN_OF_LIFE_EVERY_MS);
/** A producer that is silent for this time counts as ended. */
const ENDED_AFTER_MS = 24 * 60 * 60 * 1_000;

/** Matches producers that count as ended. @param now by MongoDB's clock */
export function endedProducers(now: Date): { readonly at: { readonly $lt: Date } } {
  return { at: { $lt: new Date(now.getTime() - ENDED_AFTER_MS) } };
}

export function topicPartitionsCollection(db: Db): Collection<TopicPartitions> {
  return db.collection<TopicPartitions>('topicPartitions');
}

/** Returns the earlier partition counts of the orders topic, oldest first. */
export async function earlierPartitions(db: Db): Promise<readonly EarlierPartitions[]> {
  const found = await topicPartitionsCollection(db).findOne(
    { _id: ORDERS_TOPIC },
    { readConcern: { level: 'majority' } },
  );
  return found?.earlier ?? [];
}

/** As `earlierPartitions`, the counts only. */
export async function earlierPartitionCounts(db: Db): Promise<number[]> {
  return (await earlierPartitions(db)).map(({ partitions }) => partitions);
}

/**
 * Returns the partition count under which a record was written.
 * @param current the count that the topic has now
 */
export function partitionsAt(
  earlier: readonly EarlierPartitions[],
  current: number,
  { partition, offset }: { readonly partition: number; readonly offset: number },
): number {
  return earlier.find(({ ends }) => offset < (ends[partition] ?? 0))?.partitions ?? current;
}
