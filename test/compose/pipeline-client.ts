import { z } from 'zod';
import { ComposeTestError, expect } from './compose-test-error.js';
import type { PublishedPorts } from './compose-project.js';

const ANSWER_WITHIN_MS = 20_000;
const PAGE_SIZE = 1000;
const UNAUTHORIZED = 401;

/** What the run reads of an operation. */
const OperationSchema = z.object({
  id: z.string(),
  status: z.string(),
  count: z.number(),
  firstNumber: z.number(),
  saved: z.number(),
  deadLettered: z.number(),
});
export type Operation = z.infer<typeof OperationSchema>;

/** What the run reads of an order. */
const OrderSchema = z.object({ id: z.string(), number: z.number() });
type OrderAnswer = z.infer<typeof OrderSchema>;

const OrdersPageSchema = z.object({
  items: z.array(OrderSchema),
  page: z.object({ next: z.string().optional() }),
});

const PipelineSchema = z.object({ consumers: z.array(z.object({ partitions: z.array(z.number()).nullable() })) });

const TokenSchema = z.object({ access_token: z.string() });

/** The producer, the query API and the console as clients on the host see them, who have their tokens from the development issuer. */
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
    expect(response.status === 202, `populate answers 202, not ${response.status}`);
    const operation = OperationSchema.parse(await response.json());
    const location = response.headers.get('location');
    expect(location === `/v1/operations/${operation.id}`, `populate's Location names the operation, not ${location}`);
    return operation;
  }

  /** How a request without a token is answered. */
  async statusWithoutToken(): Promise<number> {
    return (await this.send(`${this.queryApi}/v1/orders`, {})).status;
  }

  /** The partitions of each consumer that the console knows; `null`: it is not heard of any more. */
  async consumersSeen(): Promise<readonly (readonly number[] | null)[]> {
    const { consumers } = await this.json(`${this.console}/v1/pipeline`, PipelineSchema);
    return consumers.map(({ partitions }) => partitions);
  }

  /** An order of the query API, asked for at the console's own origin. */
  orderThroughConsole(id: string): Promise<OrderAnswer> {
    return this.json(`${this.console}/v1/orders/${id}`, OrderSchema);
  }

  /** The page of the console, which everybody may have. */
  async consolePage(): Promise<string> {
    return (await this.send(`${this.console}/`, {})).text();
  }

  operation(id: string): Promise<Operation> {
    return this.json(`${this.producer}/v1/operations/${id}`, OperationSchema);
  }

  order(id: string): Promise<OrderAnswer> {
    return this.json(`${this.queryApi}/v1/orders/${id}`, OrderSchema);
  }

  async page(number: number, pageSize: number): Promise<readonly OrderAnswer[]> {
    const { items } = await this.json(
      `${this.queryApi}/v1/orders?page=${number}&pageSize=${pageSize}`,
      OrdersPageSchema,
    );
    return items;
  }

  /** All orders of a range of numbers, inclusive, by following `next` from page to page. */
  async range(from: number, to: number): Promise<OrderAnswer[]> {
    const orders: OrderAnswer[] = [];
    let next: string | undefined = `/v1/orders/range?from=${from}&to=${to}&pageSize=${PAGE_SIZE}`;
    while (next !== undefined) {
      const answer: z.infer<typeof OrdersPageSchema> = await this.json(`${this.queryApi}${next}`, OrdersPageSchema);
      orders.push(...answer.items);
      expect(orders.length <= to - from + 1, `a walk through ${from}..${to} ends`);
      next = answer.page.next;
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

  /** As real clients do: a token that isn't taken any more is fetched again, since the issuer makes a new key at each start. */
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
    expect(response.ok, `the issuer gives a token, not ${response.status}`);
    return TokenSchema.parse(await response.json()).access_token;
  }

  private send(url: string, options: RequestInit): Promise<Response> {
    return fetch(url, { ...options, signal: AbortSignal.any([this.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]) });
  }
}
