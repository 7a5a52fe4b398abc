import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterApps } from '../cluster/cluster-apps.js';
import type { History } from '../history/history.js';

const POLL_INTERVAL_MS = 1_000;
const TIMEOUT_MS = 900;
const REPEATED = /^consumer_orders_total\{[^}]*result="repeated"[^}]*\} (\d+)/m;

/**
 * Polls once a second the consumers' counters of saves that found their order already stored. Misses what a consumer counted in its last
 * second before it was killed.
 */
export class RepeatsWatch {
  /** Number of successful readings. */
  readings = 0;
  /** Last count of each process, by its URL: a new process listens on another port. */
  private readonly counts = new Map<string, number>();
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly apps: ClusterApps,
    private readonly history: History,
  ) {}

  begin(): void {
    this.running = this.run();
  }

  async end(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.over.signal.aborted) {
      const urls = this.apps.all.filter(({ job }) => job === 'consumer').flatMap(({ url }) => url ?? []);
      const more = await Promise.all(urls.map(async (url) => this.poll(url)));
      const saves = more.reduce((sum, count) => sum + count, 0);
      if (saves > 0) this.history.add({ type: 'repeats', saves });
      await Promise.allSettled([delay(POLL_INTERVAL_MS, undefined, { signal: this.over.signal })]);
    }
  }

  /** @returns the repeated saves since the last reading */
  private async poll(url: string): Promise<number> {
    try {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      const reading = REPEATED.exec(await response.text())?.[1];
      if (reading === undefined) throw new Error(`${url} does not export its repeated saves`);
      const before = this.counts.get(url) ?? 0;
      const count = Number(reading);
      this.counts.set(url, count);
      this.readings += 1;
      return count - before;
    } catch {
      // The consumer hangs, has ended or is starting: keep its last count. The findings check that at least one reading succeeded.
      return 0;
    }
  }
}
