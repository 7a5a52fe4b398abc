import { setTimeout as delay } from 'node:timers/promises';
import { DemoClient, type Acknowledged, type ClientParts } from './demo-client.js';
import { FacadeRequests } from './facade-requests.js';
import type { KnownOrder } from './judge.js';
import { RequestLog } from './request-log.js';
import { Sightings } from './sightings.js';

const CLIENTS = 32;
const OUTCOME_WITHIN_MS = 30_000;
/** Of 20 requests: 7 writes, 5 reads by id, 4 by page, 4 by range. Each kind must reach the samples of its gate. */
const MIX = { write: 7, readById: 5, readByPage: 4, readByRange: 4 } as const;
const ACTIONS = Object.entries(MIX).flatMap(([name, share]) =>
  Array.from({ length: share }, () => name as keyof typeof MIX),
);

export interface TrafficOptions {
  readonly facadeUrls: readonly string[];
  readonly old: readonly KnownOrder[];
  /** Requests per second of all clients together. */
  readonly rate: number;
  readonly random: () => number;
  /** Called when a client could not go on: a defect of the demo. */
  readonly onFailure: (error: unknown) => void;
}

/** The clients of the legacy system, all at once. */
export class Traffic {
  readonly log = new RequestLog();
  readonly sightings = new Sightings();
  private readonly clients: readonly DemoClient[];
  private readonly stopping = new AbortController();
  private readonly givenUp = new AbortController();
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: TrafficOptions) {
    const { facadeUrls, old, random } = options;
    const { log, sightings } = this;
    this.clients = Array.from({ length: CLIENTS }, (_, at) => {
      // Half of the clients prefer each instance.
      const urls = facadeUrls.map((_url, next) => facadeUrls[(at + next) % facadeUrls.length] ?? '');
      const facade = new FacadeRequests(urls);
      const parts: ClientParts = { facade, log, sightings, old, random, givenUp: this.givenUp.signal };
      return new DemoClient(`demo-${String(at + 1).padStart(2, '0')}`, parts);
    });
  }

  start(): void {
    this.running = Promise.all(this.clients.map(async (client, at) => this.run(client, at)));
    this.running.catch(this.options.onFailure);
  }

  /** Sends no more requests, and waits for the outcome of each write, 30 s at most. @throws what a client could not handle */
  async stop(): Promise<void> {
    this.stopping.abort();
    const overdue = setTimeout(() => this.givenUp.abort(), OUTCOME_WITHIN_MS);
    await this.running.finally(() => clearTimeout(overdue));
  }

  /** The writes of all clients that were acknowledged. */
  get acknowledged(): readonly Acknowledged[] {
    return this.clients.flatMap((client) => client.acknowledged);
  }

  private async run(client: DemoClient, at: number): Promise<void> {
    const { rate, random } = this.options;
    const everyMs = (1_000 * CLIENTS) / rate;
    const { signal } = this.stopping;
    let next = performance.now() + (at * everyMs) / CLIENTS;
    while (!signal.aborted) {
      await Promise.allSettled([delay(Math.max(0, next - performance.now()), undefined, { signal })]);
      if (signal.aborted) return;
      await client[ACTIONS[Math.floor(random() * ACTIONS.length)] ?? 'readById']();
      next = Math.max(next + everyMs, performance.now());
    }
  }
}
