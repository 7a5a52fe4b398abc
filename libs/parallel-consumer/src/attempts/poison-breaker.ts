import type { Clock } from '../clock.js';

/** From when on the records are hardly to blame for being dead-lettered. */
export interface PoisonLimit {
  /** Of this many records that ended last. */
  readonly records: number;
  /** More than this share was poison: a number from 0 to 1. */
  readonly share: number;
  /** On at least so many partitions: one broken producer rarely writes to several. */
  readonly partitions: number;
  /** In ms. */
  readonly withinMs: number;
}

export const POISON_LIMIT: PoisonLimit = { records: 1_000, share: 0.5, partitions: 3, withinMs: 60_000 };

/** What a suspension for poison reports as its cause. */
export class PoisonStormError extends Error {
  override readonly name = 'PoisonStormError';
  readonly code = 'poison-storm';

  constructor({ records, share, partitions }: PoisonLimit, cause: unknown) {
    super(
      `more than ${share * 100} % of the last ${records} records, on ${partitions} partitions or more, were poison`,
      {
        cause,
      },
    );
  }
}

/**
 * Distinguishes a storm of poison from single poison records: a deployment that can't read what others write, or a registry that
 * answers nonsense, would otherwise move the whole topic to the dead letters.
 */
export class PoisonBreaker {
  /** How the last records ended: when a poison one did, in ms; 0 for the others. */
  private readonly endedAt: Float64Array;
  private readonly partitions: Int32Array;
  private next = 0;
  private poisonCount = 0;

  constructor(
    private readonly limit: PoisonLimit,
    private readonly clock: Clock,
  ) {
    this.endedAt = new Float64Array(limit.records);
    this.partitions = new Int32Array(limit.records);
  }

  /** A record was handled. */
  handled(): void {
    this.put(0, 0);
  }

  /**
   * A record is about to be dead-lettered, being poison or out of attempts.
   * @returns whether this is a storm, so that it should wait instead
   */
  poison(partition: number): boolean {
    this.put(Math.max(1, this.clock.now()), partition);
    return this.poisonCount > this.threshold && this.isStorm();
  }

  /** Forgets the past: after a storm it takes another whole one to suspend again. */
  reset(): void {
    this.endedAt.fill(0);
    this.poisonCount = 0;
  }

  private get threshold(): number {
    return this.limit.records * this.limit.share;
  }

  private put(endedAt: number, partition: number): void {
    const { next } = this;
    if ((this.endedAt[next] ?? 0) > 0) this.poisonCount -= 1;
    if (endedAt > 0) this.poisonCount += 1;
    this.endedAt[next] = endedAt;
    this.partitions[next] = partition;
    this.next = next + 1 === this.limit.records ? 0 : next + 1;
  }

  private isStorm(): boolean {
    const since = this.clock.now() - this.limit.withinMs;
    const partitions = new Set<number>();
    let recent = 0;
    for (const [index, endedAt] of this.endedAt.entries()) {
      if (endedAt === 0 || endedAt < since) continue;
      recent += 1;
      partitions.add(this.partitions[index] ?? 0);
    }
    return recent > this.threshold && partitions.size >= this.limit.partitions;
  }
}
