import { pause, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { type AskedOrders, SIDE_TEXTS, type SideName } from '../sides/side.js';
import type { MigrationState } from '../migration/migration-state.js';
import { type BucketStore, isMissing, type OpenWrite } from './bucket-store.js';

/** A side misses orders that the read may ask for. The client gets 503 and may retry. */
export class StillOpenError extends Error {
  override readonly name = 'StillOpenError';
  readonly code = 'still-open';
}

const WAIT_LIMIT_MS = timeLimit(2_000);
const POLL_MS = 20;

/** A read that waits. */
interface Wait {
  readonly side: SideName;
  /** The `seq` of the open writes that it waits for, by bucket. */
  readonly awaited: ReadonlyMap<number, ReadonlySet<number>>;
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Lets reads wait for the admitted writes that they may ask for, so that each client reads its own writes on both sides. One query
 * every 20 ms serves all reads of this process that wait.
 */
export class OpenIntents {
  private readonly waits = new Set<Wait>();
  private isPolling = false;

  constructor(
    private readonly store: Pick<BucketStore, 'findOpen' | 'openIn'>,
    private readonly state: Pick<MigrationState, 'latest'>,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves once the side has all orders that were admitted before the call and match what is asked for; at once, without MongoDB,
   * if the side can not miss any.
   * @throws StillOpenError after 2 s; the reason of the signal; errors of the store
   */
  async untilReadable(side: SideName, asked: AskedOrders, signal: AbortSignal): Promise<void> {
    const { latest } = this.state;
    // Every instance acknowledges that the legacy system may lag before it does.
    if (side === 'legacy' && latest !== undefined && !latest.legacyMayLag) return;
    const deadline = this.clock.now() + WAIT_LIMIT_MS;
    // Writes that are admitted later don't prolong the wait.
    const missing = (await this.store.findOpen(asked)).filter((write) => isMissing(write, side));
    if (missing.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.waits.add({ side, awaited: byBucket(missing), deadline, signal, resolve, reject });
      if (!this.isPolling) void this.poll();
    });
  }

  private async poll(): Promise<void> {
    this.isPolling = true;
    while (this.waits.size > 0) {
      await pause(this.clock, POLL_MS);
      const polled = [...this.waits];
      try {
        const buckets = new Set(polled.flatMap(({ awaited }) => [...awaited.keys()]));
        const open = await this.store.openIn([...buckets]);
        for (const wait of polled) this.settle(wait, open);
      } catch (error) {
        for (const wait of polled) this.end(wait, () => wait.reject(error));
      }
    }
    this.isPolling = false;
  }

  private settle(wait: Wait, open: readonly OpenWrite[]): void {
    const { side, awaited, deadline, signal } = wait;
    const left = open.filter((write) => awaited.get(write.bucket)?.has(write.seq) === true && isMissing(write, side));
    if (left.length === 0) this.end(wait, wait.resolve);
    else if (signal.aborted) this.end(wait, () => wait.reject(signal.reason));
    else if (this.clock.now() >= deadline) this.end(wait, () => wait.reject(stillOpen(side, left.length)));
  }

  private end(wait: Wait, settle: () => void): void {
    this.waits.delete(wait);
    settle();
  }
}

function byBucket(writes: readonly OpenWrite[]): ReadonlyMap<number, ReadonlySet<number>> {
  const groups = Map.groupBy(writes, ({ bucket }) => bucket);
  return new Map([...groups].map(([bucket, group]) => [bucket, new Set(group.map(({ seq }) => seq))]));
}

function stillOpen(side: SideName, count: number): StillOpenError {
  return new StillOpenError(
    `${SIDE_TEXTS[side]} still misses ${count} of the orders that may be asked for. Retry in a second.`,
  );
}
