import { betweenTries } from '../support/eventually.js';
import type { Answer, PopulateResponse } from '../support/tested-stack.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';

const RETRY_PAUSE_MS = 200;

/** Counts the requests of all clients, and how those failed that a later try cured. */
export class RequestLog {
  requests = 0;
  private readonly failures = new Map<string, number>();

  noteFailure(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }

  /** The number of failed tries. */
  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }

  get summary(): string {
    const kinds = [...this.failures].map(([what, count]) => `${count} × ${what}`).toSorted();
    return `${this.requests} requests, ${this.failed} failed tries, all cured${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}`;
  }
}

/** A client as behind a balancer: it repeats a request that failed in a way that promises nothing, at the next instance. */
export class RetryingClient {
  private turn = 0;

  /** @param urls returns the addresses of all instances of a service */
  constructor(
    private readonly service: string,
    private readonly urls: () => readonly string[],
    private readonly log: RequestLog,
  ) {}

  async get<T>(path: string): Promise<Answer<T>> {
    return this.request<T>(path, () => ({}));
  }

  async post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer<T>> {
    return this.request<T>(path, () => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }));
  }

  /**
   * Sends a request until it is answered otherwise than by 429, 502, 503 or 504.
   * @param init is called for each try: the body of a form can be read only once
   */
  async request<T>(path: string, init: () => RequestInit): Promise<Answer<T>> {
    this.log.requests += 1;
    for (;;) {
      const answer = await this.attempt<T>(path, init());
      if (typeof answer === 'object') return answer;
      this.log.noteFailure(`${this.service} ${answer}`);
      await betweenTries(RETRY_PAUSE_MS);
    }
  }

  /** @returns the answer, or how the try failed */
  private async attempt<T>(path: string, init: RequestInit): Promise<Answer<T> | string> {
    const urls = this.urls();
    const url = urls[this.turn++ % urls.length] ?? '';
    try {
      const response = await fetch(`${url}${path}`, init);
      const text = await response.text();
      if ([429, 502, 503, 504].includes(response.status)) return `${response.status} ${codeIn(text)}`;
      const body = (text === '' ? undefined : JSON.parse(text)) as T;
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly code?: string } };
      return cause?.code ?? (error instanceof Error ? error.name : String(error));
    }
  }
}

function codeIn(problem: string): string {
  return /"code":"([\w-]+)"/.exec(problem)?.[1] ?? '';
}

/** Orders of each populate of a client. */
const SMALL_POPULATE = 50;
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
