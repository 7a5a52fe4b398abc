import { setTimeout as delay } from 'node:timers/promises';
import { backOffMs } from '@orders-pipeline/clock';
import type { AcceptedOrders } from '../../apps/producer/src/intake/intake-body.js';
import { eventually } from '../support/eventually.js';
import type { GatewayAnswer, GatewayClient } from './gateway-client.js';

const ORDERS_PER_BATCH = 50;
const ACCOUNTS = 500;
const RETRY_BACK_OFF = { initialMs: 250, maxMs: 5_000 };
/** Four seconds of orders. A client that sends ever more to a server that is behind would need all memory of the machine. */
const MAX_OPEN_BATCHES = 80;
/** Two seconds of reads. Those that are left out are counted as failed. */
const MAX_OPEN_READS = 200;
const WARM_P99_MS = 2_000;
const WARM_WINDOW_MS = 5_000;
const KNOWN_ORDERS = 1_000;

/** What happened to the requests between two moments. */
export interface LoadFigures {
  readonly reads: number;
  /** Reads without a 200: their count by what came instead. */
  readonly failedReads: ReadonlyMap<string, number>;
  readonly accepted: number;
  /** Tries to send a batch that failed, and that a later try cured, in the same form. */
  readonly failedSends: ReadonlyMap<string, number>;
  readonly seconds: number;
  /** Milliseconds that 99 of 100 reads needed at most. */
  readonly readP99Ms: number;
}

/** Requests per second. */
export interface LoadRates {
  readonly reads: number;
  readonly orders: number;
}

/**
 * Clients behind the gateway: reads, each sent once, and orders in batches under keys, each sent until it is
 * accepted, with a back-off. Requests start by the clock, whether or not earlier ones have been answered, up to a limit.
 */
export class SwarmLoad {
  /** The operations of the accepted orders. */
  readonly operations = new Map<string, number>();
  private readonly ids: string[] = [];
  private readonly stopping = new AbortController();
  private readonly open = new Set<Promise<void>>();
  private openReads = 0;
  private openBatches = 0;
  private readonly loops: Promise<void>[];
  private figures = new Figures();
  private sent = 0;

  constructor(
    private readonly gateway: GatewayClient,
    { reads, orders }: LoadRates,
  ) {
    this.loops = [
      this.every(1_000 / reads, async () => this.read()),
      this.every((1_000 * ORDERS_PER_BATCH) / orders, async () => this.sendBatch()),
    ];
  }

  /** Returns what happened since the last call, and begins anew. */
  take(): LoadFigures {
    const { figures } = this;
    this.figures = new Figures();
    return figures.summary();
  }

  /** Resolves when reads are quick: tasks that have just started need minutes until V8 has compiled what they run. */
  async isWarm(): Promise<void> {
    await eventually(`99 of 100 reads take less than ${WARM_P99_MS} ms`, async () => {
      this.take();
      await delay(WARM_WINDOW_MS);
      const { readP99Ms, failedReads } = this.take();
      return (readP99Ms < WARM_P99_MS && failedReads.size === 0) || { readP99Ms, failedReads: [...failedReads] };
    });
  }

  /** Resolves when all requests have been answered, and all batches accepted. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    await Promise.all(this.open);
  }

  /** The accepted orders in total. */
  get accepted(): number {
    return [...this.operations.values()].reduce((sum, count) => sum + count, 0);
  }

  private async every(milliseconds: number, start: () => Promise<void>): Promise<void> {
    const begin = performance.now();
    for (let count = 1; !this.stopping.signal.aborted; count += 1) {
      const running = start().finally(() => this.open.delete(running));
      this.open.add(running);
      await delay(Math.max(0, begin + count * milliseconds - performance.now()));
    }
  }

  private async read(): Promise<void> {
    const { figures } = this;
    const startedAt = performance.now();
    const path = this.nextPath();
    if (this.openReads >= MAX_OPEN_READS) return figures.noteFailedRead(`left out, as ${MAX_OPEN_READS} were open`);
    this.openReads += 1;
    const answer = await this.gateway.send('GET', path);
    this.openReads -= 1;
    figures.addRead(performance.now() - startedAt, answer.status === 200 ? undefined : describe(path, answer));
  }

  private nextPath(): string {
    const known = this.ids[Math.floor(Math.random() * this.ids.length)];
    const kinds = [
      '/v1/orders?page=1&pageSize=20',
      '/v1/orders?sort=-createdAt&pageSize=20',
      '/v1/orders/range?from=1&to=20',
      '/v1/operations?pageSize=5',
      '/v1/pipeline',
      known === undefined ? '/v1/orders?page=2&pageSize=20' : `/v1/orders?accountId=swarm-${known}&pageSize=10`,
    ];
    return kinds[Math.floor(Math.random() * kinds.length)] ?? '';
  }

  private async sendBatch(): Promise<void> {
    if (this.openBatches >= MAX_OPEN_BATCHES) return;
    this.openBatches += 1;
    await this.sendUntilAccepted();
    this.openBatches -= 1;
  }

  private async sendUntilAccepted(): Promise<void> {
    const key = crypto.randomUUID();
    const first = this.sent;
    this.sent += ORDERS_PER_BATCH;
    const orders = Array.from({ length: ORDERS_PER_BATCH }, (_, at) => ({
      accountId: `swarm-${(first + at) % ACCOUNTS}`,
      side: 'buy',
      symbol: 'ACME',
      quantity: 3,
      price: '187.35',
      currency: 'USD',
    }));
    const body = JSON.stringify(orders);
    for (let tries = 1; ; tries += 1) {
      const answer = await this.gateway.send('POST', '/v1/orders', { body, headers: { 'idempotency-key': key } });
      if (answer.status === 202) {
        const { operationId, items } = JSON.parse(answer.text) as AcceptedOrders;
        this.operations.set(operationId, (this.operations.get(operationId) ?? 0) + items.length);
        this.figures.accepted += items.length;
        if (this.ids.length < KNOWN_ORDERS) this.ids.push(String(first % ACCOUNTS));
        return;
      }
      this.figures.noteFailedSend(describe('POST /v1/orders', answer));
      await delay(backOffMs(RETRY_BACK_OFF, tries, Math.random));
    }
  }
}

function describe(path: string, { status, text }: GatewayAnswer): string {
  return `${status} ${path.split('?')[0]} ${/"code":"([\w-]+)"/.exec(text)?.[1] ?? text.slice(0, 80)}`;
}

class Figures {
  accepted = 0;
  private readonly failedSends = new Map<string, number>();
  private readonly failedReads = new Map<string, number>();
  private readonly durations: number[] = [];
  private readonly startedAt = performance.now();

  addRead(milliseconds: number, failure: string | undefined): void {
    this.durations.push(milliseconds);
    if (failure !== undefined) this.noteFailedRead(failure);
  }

  noteFailedRead(what: string): void {
    this.failedReads.set(what, (this.failedReads.get(what) ?? 0) + 1);
  }

  noteFailedSend(what: string): void {
    this.failedSends.set(what, (this.failedSends.get(what) ?? 0) + 1);
  }

  summary(): LoadFigures {
    const sorted = this.durations.toSorted((a, b) => a - b);
    return {
      reads: sorted.length,
      failedReads: this.failedReads,
      accepted: this.accepted,
      failedSends: this.failedSends,
      seconds: (performance.now() - this.startedAt) / 1_000,
      readP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    };
  }
}
