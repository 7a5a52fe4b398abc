import { pause, type Clock } from '@orders-pipeline/clock';
import type { AskedOrders } from '../reads/legacy-read.js';
import type { SideName } from '../sides/side.js';
import type { MigrationState } from '../state/migration-state.js';
import type { BucketStore } from './bucket-store.js';
import { isMissing } from './intent.js';

/** A side misses orders that the read may ask for. The client gets 503 and may retry. */
export class StillOpenError extends Error {
  override readonly name = 'StillOpenError';
  readonly code = 'still-open';
}

const WAIT_LIMIT_MS = 2_000;
const POLL_MS = 20;

/** Lets reads wait for the admitted writes that they may ask for, so that each client reads its own writes on both sides. */
export class OpenIntents {
  constructor(
    private readonly store: BucketStore,
    private readonly state: Pick<MigrationState, 'latest'>,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves once the side has all orders that were admitted before the call and match what is asked for; at once, without MongoDB,
   * if the side can not miss any.
   * @throws StillOpenError after 2 s
   */
  async untilReadable(side: SideName, asked: AskedOrders, signal: AbortSignal): Promise<void> {
    const { latest } = this.state;
    // Every instance acknowledges that the legacy system may lag before it does.
    if (side === 'legacy' && latest !== undefined && !latest.legacyMayLag) return;
    const deadline = this.clock.now() + WAIT_LIMIT_MS;
    let awaited: readonly string[] | undefined;
    for (;;) {
      const missing = (await this.store.findOpen(asked)).filter((intent) => isMissing(intent, side));
      const names = missing.map(({ bucket, seq }) => `${bucket}:${seq}`);
      // Writes that are admitted later don't prolong the wait.
      const before = awaited ?? names;
      awaited = names.filter((name) => before.includes(name));
      if (awaited.length === 0) return;
      signal.throwIfAborted();
      if (this.clock.now() >= deadline)
        throw new StillOpenError(
          `the ${side} side still misses ${awaited.length} of the orders that may be asked for. Retry in a second.`,
        );
      await pause(this.clock, POLL_MS);
    }
  }
}
