/**
 * The result of a drain, in records. `lost` is computed from counters: records that were taken, but are neither finished, nor
 * handed over, nor still in memory.
 */
export interface DrainReport {
  /** Finished during the drain alone: 0 when nothing was running. */
  readonly finished: number;
  readonly handedOver: number;
  readonly lost: number;
}

/** Formats a report for a log message. */
export function formatDrain({ finished, handedOver, lost }: DrainReport): string {
  return `the drain finished ${finished}, handed over ${handedOver}, lost ${lost}`;
}
