import { succeededWithin, type Clock } from '@orders-pipeline/clock';
import type { WakeUp } from './wake-up.js';

/** How often an idle loop polls for work, in ms: other processes may have created, shared or abandoned some. */
const POLL_INTERVAL_MS = 1_000;
/** How long a stop waits for the current work, in ms. The next process to claim it repeats it. */
const STOP_TIMEOUT_MS = 4_000;

/** The work of a loop. None of the methods may throw. */
export interface Work<C> {
  /** Claims a piece of work; `null` if there is none. */
  claim(): Promise<C | null>;
  /** Does the work until it is done or the loop's signal aborts. */
  do(claim: C): Promise<void>;
  /** Called each time there is no work to claim. */
  idle(): Promise<void>;
}

/** Claims and does work until there is none, then polls for more once a second and whenever it is woken. */
export class WorkLoop<C> {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private wasWoken = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly work: Work<C>,
    private readonly wakeUp: WakeUp,
    private readonly clock: Clock,
  ) {}

  /** Aborts when the current work should end. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  start(): void {
    const unsubscribe = this.wakeUp.listen(() => this.call());
    this.running = this.run().finally(unsubscribe);
  }

  /** Resolves when the current work has ended, after 4 seconds at the latest. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.call();
    await succeededWithin(this.clock, STOP_TIMEOUT_MS, this.running);
  }

  private call(): void {
    this.wasWoken = true;
    this.wake();
  }

  private async run(): Promise<void> {
    while (!this.signal.aborted) {
      // Reset before the claim: the claim may miss work that is announced from here on.
      this.wasWoken = false;
      const claim = await this.work.claim();
      if (claim === null) {
        await this.work.idle();
        await this.waitForWork();
      } else await this.work.do(claim);
    }
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
