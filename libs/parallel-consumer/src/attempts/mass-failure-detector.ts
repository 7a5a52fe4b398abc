import type { Clock } from '@orders-pipeline/clock';

/** Limits above which so many failures are unlikely to be the records' own fault. A failed record is invalid or out of attempts. */
export interface MassFailureLimit {
  /** Number of most recent records that are evaluated. */
  readonly records: number;
  /** More than this share of them must have failed, from 0 to 1. */
  readonly share: number;
  /** The failed records must come from at least this many partitions: one broken producer rarely writes to several. */
  readonly partitions: number;
  /** Only records that failed in the last `withinMs` milliseconds count. */
  readonly withinMs: number;
}

const MASS_FAILURE_LIMIT = { records: 1_000, partitions: 3, withinMs: 60_000 };

/** @param share of the last 1,000 records */
export function massFailureLimit(share: number): MassFailureLimit {
  return { ...MASS_FAILURE_LIMIT, share };
}

/** The reason for a suspension due to a mass failure. */
export class MassFailureError extends Error {
  override readonly name = 'MassFailureError';
  readonly code = 'poison-storm';

  constructor({ records, share, partitions }: MassFailureLimit, cause: unknown) {
    super(
      `more than ${share * 100} % of the last ${records} records, on ${partitions} partitions or more, failed permanently`,
      {
        cause,
      },
    );
  }
}

/**
 * Distinguishes a mass failure from single invalid records. Without it, a deployment that cannot decode the records, or a registry
 * that returns wrong schemas, would dead-letter the whole topic.
 */
export class MassFailureDetector {
  /** Ring buffer of the last records: the end time of each failed record, in ms since 1970; 0 for other records. */
  private readonly endedAt: Float64Array;
  /** The partitions of the failed records, with their topics. */
  private readonly partitions: string[];
  private next = 0;
  private failedCount = 0;

  constructor(
    private readonly limit: MassFailureLimit,
    private readonly clock: Clock,
  ) {
    this.endedAt = new Float64Array(limit.records);
    this.partitions = Array.from({ length: limit.records }, () => '');
  }

  /** Records a successful record. */
  handled(): void {
    this.put(0, '');
  }

  /**
   * Records that a record is about to be dead-lettered: it is invalid (`poison`) or out of attempts.
   * @param partition its topic and partition
   * @returns true in a mass failure: the record must wait instead
   */
  failed(partition: string): boolean {
    this.put(Math.max(1, this.clock.now()), partition);
    return this.failedCount > this.threshold && this.isMassFailure();
  }

  /** Clears the history: only a complete new mass failure suspends again. */
  reset(): void {
    this.endedAt.fill(0);
    this.failedCount = 0;
  }

  private get threshold(): number {
    return this.limit.records * this.limit.share;
  }

  private put(endedAt: number, partition: string): void {
    const { next } = this;
    if ((this.endedAt[next] ?? 0) > 0) this.failedCount -= 1;
    if (endedAt > 0) this.failedCount += 1;
    this.endedAt[next] = endedAt;
    this.partitions[next] = partition;
    this.next = next + 1 === this.limit.records ? 0 : next + 1;
  }

  private isMassFailure(): boolean {
    const since = this.clock.now() - this.limit.withinMs;
    const partitions = new Set<string>();
    let recent = 0;
    for (const [index, endedAt] of this.endedAt.entries()) {
      if (endedAt === 0 || endedAt < since) continue;
      recent += 1;
      partitions.add(this.partitions[index] ?? '');
    }
    return recent > this.threshold && partitions.size >= this.limit.partitions;
  }
}
