import { succeededWithin, type Clock } from '#parallel-consumer/clock.js';
import type { WakeUp } from './wake-up.js';

/** How often to look for work that another process left behind, or has to share. */
const LOOK_AROUND_MS = 1_000;
/** How long a stop waits for what is in hand; whoever claims it next does it again. */
const STOP_PATIENCE_MS = 4_000;

/** What a loop does. None of it may throw. */
export interface Work<C> {
  /** Takes something to do; `null`: there is nothing. */
  claim(): Promise<C | null>;
  /** Does it, or as much of it as there is time for until the loop's signal. */
  do(claim: C): Promise<void>;
  /** Done each time that there is nothing to do. */
  idle(): Promise<void>;
}

/** Does work as long as there is some, and looks for more once a second and whenever it is woken. */
export class WorkLoop<C> {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private isCalled = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly work: Work<C>,
    private readonly wakeUp: WakeUp,
    private readonly clock: Clock,
  ) {}

  /** Aborts when what is in hand should end. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  start(): void {
    const unsubscribe = this.wakeUp.listen(() => this.call());
    this.running = this.run().finally(unsubscribe);
  }

  /** Resolves when what is in hand has ended, or patience has. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.call();
    await succeededWithin(this.clock, STOP_PATIENCE_MS, this.running);
  }

  private call(): void {
    this.isCalled = true;
    this.wake();
  }

  private async run(): Promise<void> {
    while (!this.signal.aborted) {
      // What is called for from here on may be missed by the claim.
      this.isCalled = false;
      const claim = await this.work.claim();
      if (claim === null) {
        await this.work.idle();
        await this.lookAround();
      } else await this.work.do(claim);
    }
  }

  private lookAround(): Promise<void> {
    if (this.isCalled) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.clock.after(LOOK_AROUND_MS, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
