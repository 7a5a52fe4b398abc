import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { orderGenerator, type OrderBatch } from '#orders/generator/generator.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import { orderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { emptyServers } from './empty-servers.js';
import { eventually } from './eventually.js';
import type { TestedStack } from './running-stack.js';
import { StackInProcess } from './stack-in-process.js';

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** The API's response to a populate; all of its parameters are known. */
export type PopulateResponse = OperationResponse &
  Record<'seed' | 'count' | 'firstNumber' | 'accounts', number> &
  Record<'from' | 'to', string>;

/** A running pipeline through its HTTP API, and through MongoDB where a test must check stored data. */
export class Pipeline {
  private constructor(
    readonly stack: TestedStack,
    private readonly mongo: MongoClient,
  ) {}

  /** Returns the pipeline of a stack that the caller stops. */
  static async of(stack: TestedStack): Promise<Pipeline> {
    return new Pipeline(stack, await MongoClient.connect(stack.mongodbUri));
  }

  /** Starts a separate stack on new data, on the servers of the Jest worker if it has some. `end` stops it and removes the data. */
  static async start(...flags: string[]): Promise<Pipeline> {
    return Pipeline.startWith({}, ...flags);
  }

  /** Like `start`, with additional environment variables. */
  static async startWith(env: NodeJS.ProcessEnv, ...flags: string[]): Promise<Pipeline> {
    return Pipeline.on({ ...(await emptyServers()), ...env }, flags);
  }

  /** Like `start`, but always on servers of its own, which the test may pause or kill. */
  static async startAlone(...flags: string[]): Promise<Pipeline> {
    return Pipeline.on({}, flags);
  }

  private static async on(env: NodeJS.ProcessEnv, flags: readonly string[]): Promise<Pipeline> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'orders-test-'));
    return Pipeline.of(await StackInProcess.start({ dataDirectory, flags, env }));
  }

  async end(): Promise<void> {
    await this.close();
    await this.stack.stop();
    await rm(this.stack.dataDirectory, { recursive: true, force: true });
  }

  get db(): Db {
    return this.mongo.db();
  }

  /** Closes only the connection to MongoDB. */
  async close(): Promise<void> {
    await this.mongo.close();
  }

  /** Kills the producer, and waits until the next one is ready: one that starts answers 503. */
  async killProducer(): Promise<void> {
    process.kill(this.stack.process('producer').pid, 'SIGKILL');
    await eventually('the producer is ready again', async () =>
      fetch(`${this.stack.producerUrl}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  }

  /** Ends the leases of a producer that was killed, instead of waiting for their end. */
  async expireLeases(): Promise<void> {
    const operations = this.db.collection('operations');
    const expired = { expiresAt: new Date(0) };
    for (const part of ['reading', 'receiving', 'redriving', 'compaction'])
      await operations.updateMany({ [`${part}.lease`]: { $type: 'object' } }, [
        { $set: { [`${part}.lease`]: { $mergeObjects: [`$${part}.lease`, expired] } } },
      ]);
    await operations.updateMany(
      { 'segments.0': { $exists: true } },
      { $set: { 'segments.$[held].lease.expiresAt': expired.expiresAt } },
      { arrayFilters: [{ 'held.lease': { $type: 'object' } }] },
    );
  }

  async populate(order: object): Promise<PopulateResponse> {
    const { status, body } = await this.post<PopulateResponse>('/v1/populate', order);
    if (status !== 202) throw new Error(`populate responded with status ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  async operation(id: string): Promise<PopulateResponse> {
    const { body } = await request<PopulateResponse>(`${this.stack.producerUrl}/v1/operations/${id}`);
    return body;
  }

  /** Waits until all of the operation's orders are saved, and returns its final state. */
  async allSaved(id: string): Promise<PopulateResponse> {
    await eventually(`all orders of ${id} are saved`, async () => {
      const { saved, count } = await this.operation(id);
      return saved === count;
    });
    return this.operation(id);
  }

  /** Waits until all of the operation's orders are saved or dead-lettered, and returns its final state. */
  async allEnded(id: string): Promise<PopulateResponse> {
    await eventually(`all of ${id} is saved or dead-lettered`, async () => {
      const { status, acked, saved, deadLettered } = await this.operation(id);
      return status !== 'running' && (saved ?? 0) + (deadLettered ?? 0) === acked;
    });
    return this.operation(id);
  }

  async post<T>(path: string, body: unknown): Promise<Answer<T>> {
    return request<T>(`${this.stack.producerUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** Requests a path of the query API. */
  async get<T>(path: string): Promise<Answer<T>> {
    return request<T>(`${this.stack.queryApiUrl}${path}`);
  }

  /** Follows `next` (or `prev`) from a page to the end, and returns the orders of each page. */
  async walk(path: string, link: 'next' | 'prev' = 'next'): Promise<OrderResponse[][]> {
    const pages: OrderResponse[][] = [];
    for (let at: string | undefined = path; at !== undefined;) {
      const { body }: Answer<OrdersPage> = await this.get<OrdersPage>(at);
      pages.push(body.items);
      at = body.page[link];
    }
    return pages;
  }
}

/** Returns the orders that an operation must have generated, as responses of the query API. */
export function expectedOrders(operation: PopulateResponse): OrderResponse[] {
  const batch: OrderBatch = {
    operationId: operation.id,
    seed: operation.seed,
    count: operation.count,
    firstNumber: operation.firstNumber,
    accounts: operation.accounts,
    from: new Date(operation.from),
    to: new Date(operation.to),
  };
  const orderAt = orderGenerator(batch);
  return Array.from({ length: operation.count }, (_, index) => orderResponse(orderAt(index)));
}

async function request<T>(url: string, init: RequestInit = {}): Promise<Answer<T>> {
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? undefined : JSON.parse(text)) as T,
  };
}
