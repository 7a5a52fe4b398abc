import { setTimeout as delay } from 'node:timers/promises';
import type { WrittenOrders } from '../clients/written-orders.js';
import { gapsBetween } from './account-order.js';
import type { LegacyFiles } from './legacy-files.js';
import type { StoredSide } from './stored-order.js';

const POLL_MS = 100;

/** Reads the legacy system's files all the time, and judges the order in which they get the writes of each account. */
export class FileOrderWatch {
  /** What is wrong, one line each. */
  readonly problems = new Set<string>();
  /** How many states were compared. */
  states = 0;
  private isOver = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly files: LegacyFiles,
    private readonly orders: WrittenOrders,
  ) {}

  begin(): void {
    this.running = this.run();
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async run(): Promise<void> {
    let earlier: StoredSide = [];
    while (!this.isOver) {
      const accounts = new Set(this.orders.accounts);
      const later = (await this.files.all()).filter(({ accountId }) => accounts.has(accountId));
      for (const gap of gapsBetween(earlier, later, (accountId) => this.orders.of(accountId))) this.problems.add(gap);
      this.states += 1;
      earlier = later;
      await delay(POLL_MS);
    }
  }
}
