import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type Clock, succeededWithin, systemClock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { type HeldLease, LeaseLostError } from './operation-leases.js';

/**
 * Wakes this process's background workers when there is new work or an interruption was requested, so that they poll at once.
 * Workers in other processes poll every second.
 */
@Injectable()
export class WakeUp {
  private readonly listeners = new Set<() => void>();

  call(): void {
    for (const listener of this.listeners) listener();
  }

  /** @returns a function that unsubscribes the listener */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

/** How often an idle job polls for work, in ms: other processes may have created, shared or abandoned some. */
const POLL_INTERVAL_MS = 1_000;
/** How often a lease is renewed, in ms. The renewal also reads interruption requests from other processes. */
const RENEW_EVERY_MS = 1_000;
/** How long a stop waits for the current work, in ms. The next process to claim it repeats it. */
export const STOP_TIMEOUT_MS = timeLimit(4_000);

/** What a job needs of its leases. */
type Renewable = Pick<HeldLease<never, never>, 'over' | 'renew'> & { readonly operation: { readonly _id: string } };

/**
 * Claims and runs work until there is none, including work of crashed processes. Then polls for more once a second and whenever it is
 * woken. Renews the lease of running work, also while Kafka is unavailable, until the lease is lost or the operation is interrupted.
 */
export abstract class LeasedJob<L extends Renewable> implements OnApplicationBootstrap, BeforeApplicationShutdown {
  protected readonly logger = new Logger(this.constructor.name);
  /** Whether the job claims more work while some is running. */
  protected readonly isConcurrent: boolean = false;
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private loop: Promise<void> = Promise.resolve();
  private wasWoken = false;
  private wake: () => void = () => undefined;

  constructor(
    protected readonly wakeUp: WakeUp,
    protected readonly clock: Clock = systemClock,
  ) {}

  /** Claims a piece of work; `null` if there is none. */
  protected abstract claim(): Promise<L | null>;

  /**
   * Does the work until it is done or the signal aborts. If it throws, nothing is lost: the lease expires, and the next process to
   * claim the work continues from the stored state.
   */
  protected abstract run(lease: L, signal: AbortSignal): Promise<void>;

  /** Called each time there is no work to claim. */
  protected abstract idle(): Promise<void>;

  protected get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** The number of pieces of work that are running. */
  protected get runningCount(): number {
    return this.running.size;
  }

  onApplicationBootstrap(): void {
    const unsubscribe = this.wakeUp.listen(() => this.poll());
    this.loop = this.runAll().finally(unsubscribe);
  }

  /** Resolves when the current work has ended, after 4 seconds at the latest. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.poll();
    const ended = this.loop.then(async () => Promise.all(this.running));
    await succeededWithin(this.clock, STOP_TIMEOUT_MS, ended);
  }

  /** Runs an attempt that a later one repeats: a failure is only logged. @returns `null` if it failed */
  protected async attempt<T>(what: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.logger.warn({ reason: String(error) }, `cannot ${what}, retrying`);
      return null;
    }
  }

  private poll(): void {
    this.wasWoken = true;
    this.wake();
  }

  private async runAll(): Promise<void> {
    while (!this.isStopping) {
      // Reset before the claim: the claim may miss work that is announced from here on.
      this.wasWoken = false;
      const lease = await this.attempt('claim work', async () => this.claim());
      if (lease === null) {
        await this.attempt('do idle work', async () => this.idle());
        await this.waitForWork();
        continue;
      }
      const done: Promise<void> = this.hold(lease).finally(() => {
        this.running.delete(done);
        // A concurrent job may claim more now.
        this.poll();
      });
      this.running.add(done);
      if (!this.isConcurrent) await done;
    }
  }

  private async hold(lease: L): Promise<void> {
    const { _id: operation } = lease.operation;
    const stopRenewal = this.keepRenewing(lease);
    try {
      await this.run(lease, AbortSignal.any([this.stopping.signal, lease.over]));
    } catch (error) {
      if (error instanceof LeaseLostError) this.logger.warn({ operation }, error.message);
      else this.logger.error({ operation, reason: String(error) }, 'work failed, continues when the lease expires');
    } finally {
      stopRenewal();
    }
  }

  private keepRenewing(lease: L): () => void {
    const { _id: operation } = lease.operation;
    const renew = (): void =>
      void lease.renew().catch((error: unknown) => {
        if (!(error instanceof LeaseLostError))
          this.logger.warn({ operation, reason: String(error) }, 'cannot renew the lease, retrying');
      });
    const schedule = (): (() => void) =>
      this.clock.after(RENEW_EVERY_MS, () => {
        renew();
        cancel = schedule();
      });
    let cancel = schedule();
    // An interruption may have been requested.
    const unsubscribe = this.wakeUp.listen(renew);
    return () => {
      cancel();
      unsubscribe();
    };
  }

  private waitForWork(): Promise<void> {
    if (this.wasWoken) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.clock.after(POLL_INTERVAL_MS, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
