import { RecordBatch } from './record-batch.js';
import { UnreadableRecordsError } from './unreadable-records.js';

/** A leader epoch and the offset of its first record. */
export interface EpochStart {
  readonly epoch: number;
  readonly offset: number;
}

/** The part of a log that a fetch covers. */
export interface BatchExtent {
  /** The offset to fetch next: after the last batch, even if that batch has no visible records. */
  readonly nextOffset: number;
  readonly epochs: readonly EpochStart[];
}

/** Returns the epochs of the records in a range of offsets. @param end exclusive */
export function epochsWithin(starts: readonly EpochStart[], from: number, end: number): EpochStart[] {
  return starts
    .filter(({ offset }, at) => offset < end && (starts[at + 1]?.offset ?? Number.POSITIVE_INFINITY) > from)
    .map(({ epoch, offset }) => ({ epoch, offset: Math.max(offset, from) }));
}

/**
 * Computes from the batch headers which offsets the complete batches of a fetch cover. It stops before an unreadable header;
 * `FetchedRecords` throws at the same header.
 */
export function batchExtent(bytes: Buffer, fetchOffset: number): BatchExtent {
  const epochs: EpochStart[] = [];
  let nextOffset = fetchOffset;
  try {
    for (let batch = RecordBatch.at(bytes, 0); batch !== undefined; batch = RecordBatch.at(bytes, batch.end)) {
      const { leaderEpoch } = batch;
      if (epochs.at(-1)?.epoch !== leaderEpoch)
        epochs.push({ epoch: leaderEpoch, offset: Math.max(fetchOffset, batch.baseOffset) });
      nextOffset = Math.max(nextOffset, batch.lastOffset + 1);
    }
  } catch (error) {
    if (!(error instanceof UnreadableRecordsError)) throw error;
  }
  return { nextOffset, epochs };
}
