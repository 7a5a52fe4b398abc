/** How much one fetch of kafkajs brings at the most, in bytes. */
export interface FetchSize {
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
}

const MIB = 1024 * 1024;

/** The engine's own. */
export const SMALL_FETCH: FetchSize = { maxBytes: 2 * MIB, maxBytesPerPartition: 256 * 1024 };

/** 8 MB in all, evenly from so many partitions: the broker gives the first ones all they may have. */
export function largeFetch(partitions: number): FetchSize {
  return { maxBytes: 8 * MIB, maxBytesPerPartition: Math.ceil((8 * MIB) / partitions) };
}
