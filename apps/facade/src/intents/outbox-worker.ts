import { pause, type Clock } from '@orders-pipeline/clock';
import type { Logger } from 'pino';
import type { Outbox } from './outbox.js';
import type { WorkerLease } from './worker-lease.js';

const BUSY_POLL_MS = 20;
const IDLE_POLL_MS = 100;
const STANDBY_POLL_MS = 250;
const RENEW_MS = 250;
const RETRY_MS = 1_000;

/** Runs the outbox in the one instance that holds the lease. */
export class OutboxWorker {
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();
  private heldAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly outbox: Pick<Outbox, 'round'>,
    private readonly lease: WorkerLease,
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'warn'>,
    /** What else the holder of the lease does, after each round. */
    private readonly alsoDo: () => Promise<void>,
  ) {}

  start(): void {
    this.ended = this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
    await this.lease.release();
  }

  private async loop(): Promise<void> {
    while (!this.stopping.signal.aborted) await pause(this.clock, await this.turn());
  }

  /** @returns how long to wait before the next turn, in ms */
  private async turn(): Promise<number> {
    try {
      if (!(await this.holds())) return STANDBY_POLL_MS;
      const open = await this.outbox.round(this.stopping.signal);
      await this.alsoDo();
      return open > 0 ? BUSY_POLL_MS : IDLE_POLL_MS;
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'the outbox can not go on, retrying');
      return RETRY_MS;
    }
  }

  private async holds(): Promise<boolean> {
    if (this.clock.now() - this.heldAt < RENEW_MS) return true;
    const now = this.clock.now();
    if (!(await this.lease.hold())) return false;
    this.heldAt = now;
    return true;
  }
}
