import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { isInProgress, type Operation } from './operation.js';

const SHOWN = 6;
const BUSY_MS = 1_000;
const QUIET_MS = 5_000;

/** Polls the newest operations, every second while one is in progress and otherwise every five seconds. */
export class Operations extends EventTarget {
  /** `null`: unknown. */
  newest: readonly Operation[] | null = null;
  /** Why the operations are unknown; `null` before the first answer. */
  reason: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;

  constructor(private readonly client: Client) {
    super();
  }

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    void this.poll();
  }

  stop(): void {
    this.isRunning = false;
    clearTimeout(this.timer);
  }

  /** Polls at once, after an operation was started or ended. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    await this.poll();
  }

  private async poll(): Promise<void> {
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
    const isBusy = this.newest?.some((operation) => isInProgress(operation)) === true;
    // A tab in the background polls slowly.
    const isSeen = document.visibilityState === 'visible';
    if (this.isRunning) this.timer = setTimeout(() => void this.poll(), isBusy && isSeen ? BUSY_MS : QUIET_MS);
  }
}
