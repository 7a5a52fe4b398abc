import { z } from 'zod';
import { ComposeTestError, expect } from './compose-test-error.js';
import type { PublishedPorts } from './compose-project.js';

const RESPONSE_WITHIN_MS = 20_000;
const PAGE_SIZE = 1000;
const UNAUTHORIZED = 401;

/** The fields of an operation that the run reads. */
const OperationSchema = z.object({
  id: z.string(),
  status: z.string(),
  count: z.number(),
  firstNumber: z.number(),
  saved: z.number(),
  deadLettered: z.number(),
});
export type Operation = z.infer<typeof OperationSchema>;

/** The fields of an order that the run reads. */
const OrderSchema = z.object({ id: z.string(), number: z.number() });
type OrderResponse = z.infer<typeof OrderSchema>;

const OrdersPageSchema = z.object({
  items: z.array(OrderSchema),
  page: z.object({ next: z.string().optional() }),
});

const PipelineSchema = z.object({ consumers: z.array(z.object({ partitions: z.array(z.number()).nullable() })) });

const TokenSchema = z.object({ access_token: z.string() });

/** A client on the host of the producer, the query API and the console, with tokens from the development issuer. */
export class PipelineClient {
  private readonly producer: string;
  private readonly queryApi: string;
  private readonly console: string;
  private readonly issuer: string;
  private token: Promise<string> | undefined;

  constructor(
    ports: PublishedPorts,
    private readonly signal: AbortSignal,
  ) {
    this.producer = `http://127.0.0.1:${ports.PRODUCER_PORT}`;
    this.queryApi = `http://127.0.0.1:${ports.QUERY_API_PORT}`;
    this.console = `http://127.0.0.1:${ports.CONSOLE_PORT}`;
    this.issuer = `http://127.0.0.1:${ports.ISSUER_PORT}`;
  }

  async populate(count: number): Promise<Operation> {
    const response = await this.request(`${this.producer}/v1/populate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count }),
    });
    expect(response.status === 202, `populate responds with status 202, not ${response.status}`);
    const operation = OperationSchema.parse(await response.json());
    const location = response.headers.get('location');
    expect(location === `/v1/operations/${operation.id}`, `populate's Location names the operation, not ${location}`);
    return operation;
  }

  /** Returns the status of a request without a token. */
  async statusWithoutToken(): Promise<number> {
    return (await this.send(`${this.queryApi}/v1/orders`, {})).status;
  }

  /** Returns the partitions of each consumer that the console knows; `null`: its heartbeats have stopped. */
  async consumersSeen(): Promise<readonly (readonly number[] | null)[]> {
    const { consumers } = await this.json(`${this.console}/v1/pipeline`, PipelineSchema);
    return consumers.map(({ partitions }) => partitions);
  }

  /** Requests an order of the query API through the console's origin. */
  orderThroughConsole(id: string): Promise<OrderResponse> {
    return this.json(`${this.console}/v1/orders/${id}`, OrderSchema);
  }

  /** Requests the console's page, which needs no token. */
  async consolePage(): Promise<string> {
    return (await this.send(`${this.console}/`, {})).text();
  }

  operation(id: string): Promise<Operation> {
    return this.json(`${this.producer}/v1/operations/${id}`, OperationSchema);
  }

  order(id: string): Promise<OrderResponse> {
    return this.json(`${this.queryApi}/v1/orders/${id}`, OrderSchema);
  }

  async page(number: number, pageSize: number): Promise<readonly OrderResponse[]> {
    const { items } = await this.json(
      `${this.queryApi}/v1/orders?page=${number}&pageSize=${pageSize}`,
      OrdersPageSchema,
    );
    return items;
  }

  /** Returns all orders of a range of numbers, inclusive, by following `next` from page to page. */
  async range(from: number, to: number): Promise<OrderResponse[]> {
    const orders: OrderResponse[] = [];
    let next: string | undefined = `/v1/orders/range?from=${from}&to=${to}&pageSize=${PAGE_SIZE}`;
    while (next !== undefined) {
      const response: z.infer<typeof OrdersPageSchema> = await this.json(`${this.queryApi}${next}`, OrdersPageSchema);
      orders.push(...response.items);
      expect(orders.length <= to - from + 1, `the pagination through ${from}..${to} ends`);
      next = response.page.next;
    }
    return orders;
  }

  private async json<T>(url: string, schema: z.ZodType<T>): Promise<T> {
    const response = await this.request(url);
    if (!response.ok) {
      throw new ComposeTestError('wrong-answer', `GET ${url}: ${response.status} ${await response.text()}`);
    }
    return schema.parse(await response.json());
  }

  /** Sends a request like a real client: fetches a new token after a 401, since the issuer creates a new key at each start. */
  private async request(url: string, options: RequestInit = {}): Promise<Response> {
    const response = await this.sendWithToken(url, options);
    if (response.status !== UNAUTHORIZED) return response;
    this.token = undefined;
    return this.sendWithToken(url, options);
  }

  private async sendWithToken(url: string, options: RequestInit): Promise<Response> {
    this.token ??= this.fetchToken();
    const headers = new Headers(options.headers);
    headers.set('authorization', `Bearer ${await this.token}`);
    return this.send(url, { ...options, headers });
  }

  private async fetchToken(): Promise<string> {
    const client = Buffer.from('orders-demo:orders-demo-secret').toString('base64');
    const response = await this.send(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${client}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'orders:read orders:write' }),
    });
    expect(response.ok, `the issuer returns a token, not status ${response.status}`);
    return TokenSchema.parse(await response.json()).access_token;
  }

  private send(url: string, options: RequestInit): Promise<Response> {
    return fetch(url, { ...options, signal: AbortSignal.any([this.signal, AbortSignal.timeout(RESPONSE_WITHIN_MS)]) });
  }
}
