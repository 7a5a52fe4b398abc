import type { Db } from 'mongodb';
import { chunksCollection, type AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { IndexFaults } from '#orders/operation/fault-mix.js';
import type { OrderSource } from '#orders/operation/order-source.js';
import { plannedRecords } from '#orders/operation/planned-records.js';
import type { IndexRange } from '#orders/operation/segments.js';
import { javaCompatiblePartitioner } from '#orders/topics/partitioner.js';
import { partitionsAt, type EarlierPartitions } from '#orders/topics/topic-partitions.js';
import { recordPositions, type PositionOf } from './record-position.js';

/** The largest possible chunk: a chunk that overlaps a range starts at most this far before it. */
const LARGEST_CHUNK = 5_000;

export interface ChunkPositionsContext {
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
