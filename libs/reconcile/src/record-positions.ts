import type { Db } from 'mongodb';
import { type ChunkPart, chunksCollection, type AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { Fault, IndexFaults } from '#orders/generator/fault-mix.js';
import { type OrderSource, plannedRecords } from '#orders/operation/order-source.js';
import type { IndexRange } from '#orders/operation/operation.js';
import {
  javaCompatiblePartitioner,
  type Positions,
  type TopicPositions,
  DEAD_LETTER_GROUP,
  DEAD_LETTER_TOPIC,
  ORDERS_TOPIC,
  ORDERS_CONSUMER_GROUP,
} from '#orders/topics/topics.js';
import { partitionsAt, type EarlierPartitions } from '#orders/topics/topic-partitions.js';

/** A record's position on the topic. */
export interface RecordPosition {
  readonly partition: number;
  /** `null` if Kafka recognised the batch as a duplicate and did not return its offset. */
  readonly offset: number | null;
}

/** Returns the position of a record by its index and fault; `undefined` if no acknowledgement covers it. */
export type PositionOf = (index: number, fault: Fault | undefined) => RecordPosition | undefined;

/** A record, and the partition that it was sent to. */
interface PlacedRecord {
  readonly index: number;
  readonly fault: Fault | undefined;
  readonly partition: number;
}

/**
 * Computes the positions of records that were acknowledged together, without reading the topic: on each partition they are consecutive
 * in send order, from the acknowledged base offset on.
 * @param records all records, in the order in which they were sent
 */
export function recordPositions(parts: readonly ChunkPart[], records: readonly PlacedRecord[]): PositionOf {
  const sent = new Map<number, number>();
  const positions = new Map<string, RecordPosition>();
  for (const { index, fault, partition } of records) {
    const place = sent.get(partition) ?? 0;
    sent.set(partition, place + 1);
    const position = positionAt(parts, partition, place);
    if (position !== undefined) positions.set(keyOf(index, fault), position);
  }
  return (index, fault) => positions.get(keyOf(index, fault));
}

function positionAt(parts: readonly ChunkPart[], partition: number, place: number): RecordPosition | undefined {
  let before = 0;
  for (const part of parts) {
    if (part.partition !== partition) continue;
    if (place < before + part.records)
      return { partition, offset: part.baseOffset < 0 ? null : part.baseOffset + place - before };
    before += part.records;
  }
  return undefined;
}

function keyOf(index: number, fault: Fault | undefined): string {
  return fault === undefined ? String(index) : `${index}/${fault}`;
}

/** The largest possible chunk: a chunk that overlaps a range starts at most this far before it. */
const LARGEST_CHUNK = 5_000;

interface ChunkPositionsContext {
  readonly db: Db;
  readonly operationId: string;
  readonly source: OrderSource;
  readonly faultsAt: (index: number) => IndexFaults;
  /** The partitions that the topic has now, and had before. */
  readonly partitions: number;
  readonly earlier: readonly EarlierPartitions[];
}

/** Returns the positions of the records of an index range, by the chunks that Kafka has acknowledged. */
export async function chunkPositions(
  { db, operationId, source, faultsAt, ...counts }: ChunkPositionsContext,
  { from, to }: IndexRange,
): Promise<PositionOf> {
  const chunks = await chunksCollection(db)
    .find({
      _id: { $gte: { operationId, from: Math.max(0, from - LARGEST_CHUNK) }, $lt: { operationId, from: to } },
    })
    .toArray();
  const lookUps = new Map<AcknowledgedChunk, PositionOf>();
  for (const chunk of chunks) {
    const range = { from: chunk._id.from, to: chunk.to };
    if (range.to <= from) continue;
    const partitionOf = javaCompatiblePartitioner(partitionsOf(chunk, counts));
    const records = plannedRecords(await source(range), range.from, faultsAt);
    const placed = records.map(({ order, index, fault }) => ({
      index,
      fault,
      partition: partitionOf(order.accountId),
    }));
    lookUps.set(chunk, recordPositions(chunk.parts, placed));
  }
  return (index, fault) => {
    const chunk = chunks.find((each) => each._id.from <= index && index < each.to);
    return chunk === undefined ? undefined : lookUps.get(chunk)?.(index, fault);
  };
}

/** Returns the partition count under which a chunk was written. */
export function partitionsOf(
  { partitions, parts }: Pick<AcknowledgedChunk, 'partitions' | 'parts'>,
  { partitions: current, earlier }: Pick<ChunkPositionsContext, 'partitions' | 'earlier'>,
): number {
  if (partitions !== undefined) return partitions;
  const part = parts.find(({ baseOffset }) => baseOffset >= 0);
  // A chunk without a count is older than the first expansion: producers that take part in one store it.
  if (part === undefined) return earlier[0]?.partitions ?? current;
  return partitionsAt(earlier, current, { partition: part.partition, offset: part.baseOffset });
}

/**
 * Why an acknowledged record is neither saved nor dead-lettered.
 * - `not-yet-saved`: pending; it is in Kafka, and its offset is not committed yet
 * - `not-yet-projected`: pending; its offset is committed, and it may be a dead letter that is not projected into MongoDB yet
 * - `never-acknowledged`: a producer defect; its chunk has no acknowledgement, although the operation counts it
 * - `committed-past`: a consumer defect; its offset is committed, and there is no evidence that it was ever saved
 * - `saved-then-gone`: it was saved, and no longer exists
 */
export type MissingReason =
  | 'not-yet-saved'
  | 'not-yet-projected'
  | 'never-acknowledged'
  | 'committed-past'
  | 'saved-then-gone';

/** The positions that were read from Kafka, before anything was read from MongoDB. */
export interface GroupPositions {
  /** The committed offsets of the consumer group that saves orders. */
  readonly committed: Positions;
  /** The end offsets of the orders topic, read after `committed`. */
  readonly ends: Positions;
  /** Whether all dead letters on the dead-letter topic were projected into MongoDB at that time. */
  readonly lettersAreProjected: boolean;
}

/**
 * Returns why a record without a trace is still pending.
 * @returns `undefined` if it is not pending; the caller must then check whether it was ever saved
 */
export function pendingReason(
  position: RecordPosition,
  { committed, ends, lettersAreProjected }: GroupPositions,
): 'not-yet-saved' | 'not-yet-projected' | undefined {
  const done = committed.get(position.partition) ?? 0;
  // With an unknown offset, assume the last one of the partition.
  const last = position.offset ?? (ends.get(position.partition) ?? 0) - 1;
  if (last >= done) return 'not-yet-saved';
  return lettersAreProjected ? undefined : 'not-yet-projected';
}

/** Reads what must be read before anything else of a check. */
export async function groupPositions(positions: TopicPositions): Promise<GroupPositions> {
  const committed = await positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
  const ends = await positions.ends(ORDERS_TOPIC);
  const letters = await positions.ends(DEAD_LETTER_TOPIC);
  const projected = await positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
  const lettersAreProjected = [...letters].every(([partition, end]) => (projected.get(partition) ?? 0) >= end);
  return { committed, ends, lettersAreProjected };
}
