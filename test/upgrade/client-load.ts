import type { OrderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import { betweenTries } from '../support/eventually.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import type { RetryingClient } from './retrying-client.js';

/** Orders of each populate of a client. */
export const SMALL_POPULATE = 50;
const PAGES_OF_A_WALK = 8;
const PAGE_SIZE = 25;
const PAUSE_MS = 250;

export interface Clients {
  readonly producer: RetryingClient;
  readonly queryApi: RetryingClient;
  readonly console: RetryingClient;
}

/**
 * What clients do during an upgrade, each one request after another: populate under keys, walk pages by tokens, read orders by id, and read the
 * state of the pipeline.
 */
export class ClientLoad {
  /** The operations of the populates. */
  readonly operations: string[] = [];
  /** What a client must never see. */
  readonly contradictions: string[] = [];
  private readonly seen = new Set<string>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;

  constructor(private readonly clients: Clients) {
    const tasks = [() => this.populate(), () => this.walk(), () => this.readSeen(), () => this.readPipeline()];
    this.running = Promise.all(tasks.map(async (task) => this.repeat(task)));
  }

  /** Resolves when the last requests have been answered. @throws the error of a request that no retry cured */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async repeat(task: () => Promise<void>): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await task();
      await betweenTries(PAUSE_MS, this.stopping.signal);
    }
  }

  /** Populates under a key, and repeats the request at the next instance, as a client does whose answer was lost. */
  private async populate(): Promise<void> {
    const key = { 'idempotency-key': crypto.randomUUID() };
    const ask = async (): Promise<string> => {
      const { status, body } = await this.clients.producer.post<PopulateResponse>(
        '/v1/populate',
        { count: SMALL_POPULATE },
        key,
      );
      if (status !== 202) this.contradictions.push(`populate responded with ${status}: ${JSON.stringify(body)}`);
      return body.id;
    };
    const [first, again] = [await ask(), await ask()];
    if (first !== again) this.contradictions.push(`one key made two operations: ${first} and ${again}`);
    this.operations.push(first);
  }

  /** Follows tokens, each at the next instance. Every page must continue where the one before has ended. */
  private async walk(): Promise<void> {
    let last: OrderResponse | undefined;
    let path: string | undefined = `/v1/orders?sort=-createdAt&pageSize=${PAGE_SIZE}`;
    for (let page = 0; page < PAGES_OF_A_WALK && path !== undefined; page += 1) {
      const { status, body }: { status: number; body: OrdersPage } = await this.clients.queryApi.get<OrdersPage>(path);
      if (status !== 200) {
        this.contradictions.push(`${path} responded with ${status}: ${JSON.stringify(body)}`);
        return;
      }
      const first = body.items[0];
      if (last !== undefined && first !== undefined && first.createdAt > last.createdAt)
        this.contradictions.push(`page ${page + 1} begins before the end of the page before`);
      last = body.items.at(-1);
      for (const { id } of body.items.slice(0, 2)) this.seen.add(id);
      path = body.page.next;
    }
  }

  /** An order that was in an answer is in every later one. */
  private async readSeen(): Promise<void> {
    const ids = [...this.seen].slice(-5);
    for (const id of ids) {
      const { status } = await this.clients.queryApi.get(`/v1/orders/${id}`);
      if (status !== 200) this.contradictions.push(`order ${id} was in an answer, and then responded with ${status}`);
    }
  }

  private async readPipeline(): Promise<void> {
    const { status } = await this.clients.console.get('/v1/pipeline');
    if (status !== 200) this.contradictions.push(`the pipeline's state responded with ${status}`);
  }
}
