import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../../../dev/supervisor/app.js';
import type { Stack } from '../../../dev/supervisor/stack.js';
import { isReady } from '../../../dev/migration-journey/recovery.js';

const DRAIN_BUDGET_MS = 20_000;
const READY_WITHIN_MS = 30_000;
const POLL_INTERVAL_MS = 100;
/** The most producers and query APIs. */
const MAX_COPIES = 2;

/** The apps of a cluster. An app that ends by itself is restarted, as in `npm start`. */
export class ClusterApps {
  constructor(
    private readonly stack: Stack,
    /** Number of consumers outside scaling faults. */
    readonly wantedConsumers: number,
  ) {}

  /** Names of all possible apps. */
  static names(consumers: number): string[] {
    const copies = numbersTo(MAX_COPIES).map((n) => (n === 1 ? '' : `-${n}`));
    return [
      ...copies.map((copy) => `producer${copy}`),
      ...copies.map((copy) => `query-api${copy}`),
      ...numbersTo(consumers).map((n) => `consumer-${n}`),
    ];
  }

  /** Starts or drains consumers, in the background, to reach the given number. Default: the number outside faults. */
  scale(consumers = this.wantedConsumers): void {
    this.stack.scale(consumers);
  }

  /** Apps that run or are starting. */
  get all(): readonly App[] {
    return this.stack.apps.all;
  }

  get producerUrls(): string[] {
    return this.stack.apps.urlsOf('producer');
  }

  get queryApiUrls(): string[] {
    return this.stack.apps.urlsOf('query-api');
  }

  /** Drains an app, starts it again, and waits up to 30 s until it is ready. */
  async restart(name: string): Promise<void> {
    const app = this.all.find((each) => each.name === name);
    const before = app?.url;
    await app?.restart(DRAIN_BUDGET_MS);
    const deadline = performance.now() + READY_WITHIN_MS;
    while (performance.now() < deadline) {
      const { url } = app ?? {};
      if (url !== undefined && url !== before && (await isReady(url))) return;
      await delay(POLL_INTERVAL_MS);
    }
  }

  /** @throws RangeError if no process of this name runs */
  kill(name: string): void {
    void this.stack.apps.kill(name);
  }
}

function numbersTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}
