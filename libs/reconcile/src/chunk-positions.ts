import type { Db } from 'mongodb';
import { chunksCollection, type AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { IndexFaults } from '#orders/operation/fault-mix.js';
import type { OrderSource } from '#orders/operation/order-source.js';
import { plannedRecords } from '#orders/operation/planned-records.js';
import type { IndexRange } from '#orders/operation/segments.js';
import { recordPositions, type PositionOf } from './record-position.js';

/** The largest possible chunk: a chunk that overlaps a range starts at most this far before it. */
const LARGEST_CHUNK = 5_000;

export interface ChunkPositionsContext {
  readonly db: Db;
  readonly operationId: string;
  readonly source: OrderSource;
  readonly faultsAt: (index: number) => IndexFaults;
  readonly partitionOf: (accountId: string) => number;
}

/** Returns the positions of the records of an index range, by the chunks that Kafka has acknowledged. */
export async function chunkPositions(
  { db, operationId, source, faultsAt, partitionOf }: ChunkPositionsContext,
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
