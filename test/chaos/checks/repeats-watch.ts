import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterApps } from '../cluster/cluster-apps.js';

const LOOK_EVERY_MS = 1_000;
const PATIENCE_MS = 900;
const REPEATED = /^consumer_orders_total\{[^}]*result="repeated"[^}]*\} (\d+)/m;

/**
 * Saves that found their order there already, by the consumers' own counts, looked at once a second: what one has counted in its last second
 * before it was killed is not among them.
 */
export class Repeats {
  /** Of each process, by where it listens: a new one listens elsewhere. */
  private readonly counts = new Map<string, number>();
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly apps: ClusterApps) {}

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

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
      await Promise.all(urls.map(async (url) => this.look(url)));
      await Promise.allSettled([delay(LOOK_EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  private async look(url: string): Promise<void> {
    try {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const count = REPEATED.exec(await response.text())?.[1];
      if (count !== undefined) this.counts.set(url, Number(count));
    } catch {
      // It hangs or has ended: its last count stays.
    }
  }
}
