/** What the consumer does when Kafka no longer has records that it should have. */
export interface LogOptions {
  /**
   * What to do when Kafka has deleted records before they were read.
   * - `stop` (the default): log the deleted range, take nothing more from that partition, and report not ready until an
   *   operator intervenes.
   * - `skip`: log the deleted range and continue after it.
   */
  readonly onDeletedRecords?: 'stop' | 'skip';
  /**
   * What to do when a partition's log lost records that were already read: it was truncated, or its topic was recreated.
   * - `stop` (the default): log the lost range, take nothing more from that partition, and report not ready.
   * - `reset`: log the lost range and continue at the end of a truncated log, or at the first record of a recreated one.
   */
  readonly onTruncatedLog?: 'stop' | 'reset';
}

export const LOG_DEFAULTS = { onDeletedRecords: 'stop', onTruncatedLog: 'stop' } as const satisfies LogOptions;

/** `LogOptions` with the defaults applied. */
export type LogSettings = Required<LogOptions>;
