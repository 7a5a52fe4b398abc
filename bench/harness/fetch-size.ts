/** Maximum size of one fetch of kafkajs, in bytes. */
export interface FetchSize {
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
}

const MIB = 1024 * 1024;

/** The engine's default. */
export const SMALL_FETCH: FetchSize = { maxBytes: 2 * MIB, maxBytesPerPartition: 256 * 1024 };

/** Returns 8 MiB in total, shared evenly by the partitions: otherwise the broker fills the fetch from the first ones. */
export function largeFetch(partitions: number): FetchSize {
  return { maxBytes: 8 * MIB, maxBytesPerPartition: Math.ceil((8 * MIB) / partitions) };
}
