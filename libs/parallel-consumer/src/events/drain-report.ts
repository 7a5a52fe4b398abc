/**
 * The result of a drain, in records. `lost` is computed from counters: records that were taken, but are neither finished, nor
 * handed over, nor still in memory.
 */
export interface DrainReport {
  /** Finished during the drain alone, handled or dead-lettered: 0 when nothing was running. */
  readonly finished: number;
  /** Those of the finished that were dead-lettered. */
  readonly deadLettered: number;
  /** Unfinished, and left to the next owners of their partitions, which handle them again. */
  readonly handedOver: number;
  readonly lost: number;
}

/** Formats a report for a log message. Records that are left for redelivery are handled again by the next owner of their partition. */
export function formatDrain({ finished, deadLettered, handedOver, lost }: DrainReport): string {
  return `the drain finished ${finished} (${deadLettered} dead-lettered), ${handedOver} left for redelivery, ${lost} unaccounted for`;
}
