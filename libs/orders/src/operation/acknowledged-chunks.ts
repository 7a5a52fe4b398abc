import { MaxKey, type AnyBulkWriteOperation, type Collection, type Db, type Filter } from 'mongodb';

/** The part of a chunk that one partition holds: consecutive records from `baseOffset` on. */
export interface ChunkPart {
  readonly partition: number;
  readonly records: number;
  /** -1 if Kafka recognised the batch as a duplicate of one that it had already stored. */
  readonly baseOffset: number;
}

/**
 * A chunk that Kafka has acknowledged. If a chunk was sent again after a crash, this describes the last time. The
 * records of earlier times are on the topic too; they carry the same order ids, so each order is saved once.
 */
export interface AcknowledgedChunk {
  readonly _id: { readonly operationId: string; readonly from: number };
  /** One past the last index (exclusive). */
  readonly to: number;
  readonly parts: readonly ChunkPart[];
  /** How many partitions the topic had. Absent: stored by a version before it was; `partitionsAt` knows it then. */
  readonly partitions?: number;
}

export function chunksCollection(db: Db): Collection<AcknowledgedChunk> {
  return db.collection<AcknowledgedChunk>('acknowledgedChunks');
}

/** Matches all chunks of an operation. MongoDB compares the fields of `_id` in their order. */
export function chunksOf(operationId: string): Filter<AcknowledgedChunk> {
  return { _id: { $gte: { operationId, from: 0 }, $lt: { operationId, from: new MaxKey() } } as object };
}

/** Inserts or replaces the chunks. Call it before `ackedTo` passes them. */
export async function storeChunks(db: Db, chunks: readonly AcknowledgedChunk[]): Promise<void> {
  if (chunks.length === 0) return;
  const writes = chunks.map(({ _id, ...replacement }): AnyBulkWriteOperation<AcknowledgedChunk> => ({
    replaceOne: { filter: { _id }, replacement, upsert: true },
  }));
  await chunksCollection(db).bulkWrite(writes, { ordered: false });
}
