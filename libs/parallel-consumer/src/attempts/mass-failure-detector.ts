import type { Clock } from '@orders-pipeline/clock';

/** Limits above which so many poison records are unlikely to be the records' own fault. */
export interface MassFailureLimit {
  /** Number of most recent records that are evaluated. */
  readonly records: number;
  /** More than this share of them must be poison, from 0 to 1. */
  readonly share: number;
  /** The poison records must come from at least this many partitions: one broken producer rarely writes to several. */
  readonly partitions: number;
  /** Only poison records of the last `withinMs` milliseconds count. */
  readonly withinMs: number;
}

const MASS_FAILURE_LIMIT = { records: 1_000, partitions: 3, withinMs: 60_000 };

/** @param share of the last 1,000 records */
export function massFailureLimit(share: number): MassFailureLimit {
  return { ...MASS_FAILURE_LIMIT, share };
}

/** The reason for a suspension due to poison records. */
export class MassFailureError extends Error {
  override readonly name = 'MassFailureError';
  readonly code = 'poison-storm';

  constructor({ records, share, partitions }: MassFailureLimit, cause: unknown) {
    super(
      `more than ${share * 100} % of the last ${records} records, on ${partitions} partitions or more, were poison`,
      {
        cause,
      },
    );
  }
}

/**
 * Distinguishes a storm of poison records from single ones. Without it, a deployment that cannot decode the records, or a registry
 * that returns wrong schemas, would dead-letter the whole topic.
 */
export class MassFailureDetector {
  /** Ring buffer of the last records: the end time of each poison record, in ms since 1970; 0 for other records. */
  private readonly endedAt: Float64Array;
  /** The partitions of the poison records, with their topics. */
  private readonly partitions: string[];
  private next = 0;
  private poisonCount = 0;

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
   * Records that a record is about to be dead-lettered: it is poison or out of attempts.
   * @param partition its topic and partition
   * @returns true in a storm: the record must wait instead
   */
  failed(partition: string): boolean {
    this.put(Math.max(1, this.clock.now()), partition);
    return this.poisonCount > this.threshold && this.isMassFailure();
  }

  /** Clears the history: only a complete new storm suspends again. */
  reset(): void {
    this.endedAt.fill(0);
    this.poisonCount = 0;
  }

  private get threshold(): number {
    return this.limit.records * this.limit.share;
  }

  private put(endedAt: number, partition: string): void {
    const { next } = this;
    if ((this.endedAt[next] ?? 0) > 0) this.poisonCount -= 1;
    if (endedAt > 0) this.poisonCount += 1;
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
