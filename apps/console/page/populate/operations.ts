import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { isGoingOn, type Operation } from './operation.js';

const SHOWN = 6;
const BUSY_MS = 1_000;
const QUIET_MS = 5_000;

/** The newest operations, looked at every second while one is going on. */
export class Operations extends EventTarget {
  /** `null`: unknown. */
  newest: readonly Operation[] | null = null;
  /** Why they are unknown, once that is known. */
  reason: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;

  constructor(private readonly client: Client) {
    super();
  }

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    void this.look();
  }

  stop(): void {
    this.isRunning = false;
    clearTimeout(this.timer);
  }

  /** At once, since something was just begun or ended. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    await this.look();
  }

  private async look(): Promise<void> {
    try {
      const { items } = await this.client.get<{ items: Operation[] }>(`/v1/operations?pageSize=${SHOWN}`);
      this.newest = items;
      this.reason = null;
    } catch (error) {
      this.newest = null;
      this.reason = messageOf(error);
    }
    this.dispatchEvent(new Event('change'));
    clearTimeout(this.timer);
    const isBusy = this.newest?.some((operation) => isGoingOn(operation)) === true;
    // A tab that nobody looks at asks for nothing.
    const isSeen = document.visibilityState === 'visible';
    if (this.isRunning) this.timer = setTimeout(() => void this.look(), isBusy && isSeen ? BUSY_MS : QUIET_MS);
  }
}
