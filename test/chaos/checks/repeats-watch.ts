import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterApps } from '../cluster/cluster-apps.js';
import type { History } from '../history/history.js';

const LOOK_EVERY_MS = 1_000;
const PATIENCE_MS = 900;
const REPEATED = /^consumer_orders_total\{[^}]*result="repeated"[^}]*\} (\d+)/m;

/**
 * Saves that found their order there already, by the consumers' own counts, looked at once a second: what one has counted in its last second
 * before it was killed is not among them.
 */
export class RepeatsWatch {
  /** How often a consumer has told. */
  looks = 0;
  /** Of each process, by where it listens: a new one listens elsewhere. */
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
      const more = await Promise.all(urls.map(async (url) => this.look(url)));
      const saves = more.reduce((sum, count) => sum + count, 0);
      if (saves > 0) this.history.add({ type: 'repeats', saves });
      await Promise.allSettled([delay(LOOK_EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  /** @returns how many came since the last look */
  private async look(url: string): Promise<number> {
    try {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const told = REPEATED.exec(await response.text())?.[1];
      if (told === undefined) throw new Error(`${url} does not tell its repeats`);
      const before = this.counts.get(url) ?? 0;
      const count = Number(told);
      this.counts.set(url, count);
      this.looks += 1;
      return count - before;
    } catch {
      // It hangs, has ended or only begins: its last count stays. That none ever tells is for the findings.
      return 0;
    }
  }
}
