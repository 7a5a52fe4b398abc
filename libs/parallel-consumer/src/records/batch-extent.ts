import { RecordBatch } from './record-batch.js';
import { UnreadableRecordsError } from './unreadable-records.js';

/** From this offset on records were written under this leader epoch. */
export interface EpochStart {
  readonly epoch: number;
  readonly offset: number;
}

/** What a fetch covered of a log. */
export interface BatchExtent {
  /** The offset to fetch next: past the last batch, whether or not that holds records to hand out. */
  readonly nextOffset: number;
  readonly epochs: readonly EpochStart[];
}

/**
 * How far the whole batches of a fetch reach, by their headers alone. It ends before a header that can't be read; reading the
 * records up to there meets the same one, and throws.
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
