import type { AnyBulkWriteOperation, Collection, Db } from 'mongodb';

/** Where one partition's part of a chunk stands on the topic: its records follow each other from `baseOffset` on. */
export interface ChunkPart {
  readonly partition: number;
  readonly records: number;
  /** -1 where Kafka recognised a batch that it had already. */
  readonly baseOffset: number;
}

/**
 * A chunk that Kafka has acknowledged. Of a chunk that was emitted again after a crash it is the last time; the records of
 * the times before are on the topic too, and collapse on their ids.
 */
export interface AcknowledgedChunk {
  readonly _id: { readonly operationId: string; readonly from: number };
  /** One past the last index: the chunk is `from` up to, but not including, this one. */
  readonly to: number;
  readonly parts: readonly ChunkPart[];
}

export function chunksCollection(db: Db): Collection<AcknowledgedChunk> {
  return db.collection<AcknowledgedChunk>('acknowledgedChunks');
}

/** Stores what isn't there and replaces what is: to be called before `acked` passes the chunks. */
export async function keepChunks(db: Db, chunks: readonly AcknowledgedChunk[]): Promise<void> {
  if (chunks.length === 0) return;
  const writes = chunks.map(({ _id, to, parts }): AnyBulkWriteOperation<AcknowledgedChunk> => ({
    replaceOne: { filter: { _id }, replacement: { to, parts }, upsert: true },
  }));
  await chunksCollection(db).bulkWrite(writes, { ordered: false });
}
