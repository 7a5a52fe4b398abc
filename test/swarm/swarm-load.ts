import { setTimeout as delay } from 'node:timers/promises';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import type { AcceptedOrders } from '../../apps/producer/src/intake/orders-request.js';
import type { Answer, ApiClient } from '../compose/api-client.js';
import { eventually } from '../support/eventually.js';

const ORDERS_PER_BATCH = 50;
const ACCOUNTS = 500;
const RETRY_MS = 500;
const EACH_MS = 1_000;
/** Reads that must be answered before a step begins: tasks that have just started may refuse some. */
const WARM_READS = 200;

/** What happened to the requests between two moments. */
export interface LoadFigures {
  reads: number;
  accepted: number;
  /** Reads without a 200, and tries to send a batch that a later try cured: their count by what came instead. */
  readonly failedReads: Map<string, number>;
  readonly failedSends: Map<string, number>;
}

/**
 * Clients behind the gateway, each of which begins a request a second, or when the one before was answered. Reads are sent once, and batches of
 * orders under a key until they are accepted.
 */
export class SwarmLoad {
  /** The accepted orders of each operation. */
  readonly operations = new Map<string, number>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;
  private figures = noFigures();

  /** @param rates requests, and orders, per second */
  constructor(
    private readonly gateway: ApiClient,
    rates: { readonly reads: number; readonly orders: number },
  ) {
    const senders = Math.ceil(rates.orders / ORDERS_PER_BATCH);
    this.running = Promise.all([
      ...Array.from({ length: rates.reads }, async () => this.repeat(async () => this.read())),
      ...Array.from({ length: senders }, async () => this.repeat(async () => this.sendBatch())),
    ]);
    // The error is that of `stop`.
    this.running.catch(() => this.stopping.abort());
  }

  /** Returns what happened since the last call, and begins anew. */
  take(): LoadFigures {
    const { figures } = this;
    this.figures = noFigures();
    return figures;
  }

  /** Whether many reads were answered, and none failed, since the last call that returned otherwise. */
  isWarm(): boolean | object {
    if (this.figures.failedReads.size > 0) return [...this.take().failedReads];
    return this.figures.reads >= WARM_READS;
  }

  /** Resolves when so many more orders have been accepted. */
  async accepts(orders: number): Promise<void> {
    const accepted = (): number => [...this.operations.values()].reduce((sum, count) => sum + count, 0);
    const wanted = accepted() + orders;
    await eventually(`${orders} orders are accepted`, () => accepted() >= wanted);
  }

  /** Resolves when all requests have been answered, and all batches accepted. @throws the reason of an interruption of the run */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async repeat(request: () => Promise<void>): Promise<void> {
    while (!this.stopping.signal.aborted) await Promise.all([request(), delay(EACH_MS)]);
  }

  private async read(): Promise<void> {
    const { figures } = this;
    const path = randomOf([
      '/v1/orders?page=1&pageSize=20',
      '/v1/orders?page=2&pageSize=20',
      '/v1/orders?sort=-createdAt&pageSize=20',
      '/v1/orders/range?from=1&to=20',
      '/v1/operations?pageSize=5',
      '/v1/pipeline',
      `/v1/orders?accountId=${randomAccount()}&pageSize=10`,
    ]);
    const answer = await this.gateway.send('GET', path);
    figures.reads += 1;
    if (answer.status !== 200) countUp(figures.failedReads, describe(path, answer));
  }

  private async sendBatch(): Promise<void> {
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const orders = Array.from({ length: ORDERS_PER_BATCH }, () => anIntakeOrder({ accountId: randomAccount() }));
    const body = JSON.stringify(orders);
    for (;;) {
      const answer = await this.gateway.send('POST', '/v1/orders', { body, headers });
      if (answer.status === 202) {
        const { operationId, items } = JSON.parse(answer.text) as AcceptedOrders;
        countUp(this.operations, operationId, items.length);
        this.figures.accepted += items.length;
        return;
      }
      countUp(this.figures.failedSends, describe('POST /v1/orders', answer));
      await delay(RETRY_MS);
    }
  }
}

/** Returns the figures in one line, and the failures by kind. */
export function describeLoad({ reads, failedReads, accepted, failedSends }: LoadFigures): string {
  const sends = `${accepted} orders accepted, failed sends, all cured: ${list(failedSends)}`;
  return `${reads} reads, failed reads: ${list(failedReads)}; ${sends}`;
}

function list(kinds: ReadonlyMap<string, number>): string {
  return kinds.size === 0 ? '0' : [...kinds].map(([what, count]) => `${count} x ${what}`).join(', ');
}

function noFigures(): LoadFigures {
  return { reads: 0, accepted: 0, failedReads: new Map(), failedSends: new Map() };
}

function countUp(counts: Map<string, number>, what: string, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}

function describe(path: string, { status, text }: Answer): string {
  return `${status} ${path.split('?')[0]} ${/"code":"([\w-]+)"/.exec(text)?.[1] ?? text.slice(0, 80)}`;
}

function randomAccount(): string {
  return `swarm-${Math.floor(Math.random() * ACCOUNTS)}`;
}

function randomOf(paths: readonly string[]): string {
  return paths[Math.floor(Math.random() * paths.length)] ?? '';
}
