import { type OrderResponse, orderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { orderGenerator, type PopulateInput } from '#orders/generator/generator.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { machineProcesses } from '../../dev/machine/processes.js';
import { ProcessRecords, type ProcessRecord } from '../../dev/servers/data-directory.js';
import { eventually } from './eventually.js';
import { IS_SECURED, requestToken, secretsOfTokens, sendToken, StackCredentials } from './secured-mode.js';

/** Follows `next` (or `prev`) from a page of a query API to the end, and returns the orders of each page. */
export async function followPages(
  queryApiUrl: string,
  path: string,
  link: 'next' | 'prev' = 'next',
): Promise<OrderResponse[][]> {
  const pages: OrderResponse[][] = [];
  for (let at: string | undefined = path; at !== undefined;) {
    const response = await fetch(`${queryApiUrl}${at}`);
    const { items, page } = (await response.json()) as OrdersPage;
    pages.push(items);
    at = page[link];
  }
  return pages;
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** The API's response to a populate; all of its parameters are known. */
export type PopulateResponse = OperationResponse &
  Record<'seed' | 'count' | 'firstNumber' | 'accounts', number> &
  Record<'from' | 'to', string>;

/** The system of `npm start` that a test has started, on free ports, through its HTTP API, and through MongoDB where a test must check stored data. */
export abstract class TestedStack {
  private mongo: MongoClient | undefined;

  protected constructor(
    readonly dataDirectory: string,
    /** The environment variables of the ports: KAFKA_, REGISTRY_, MONGODB_, PRODUCER_, QUERY_API_, CONSOLE_, ISSUER_, FACADE_ and LEGACY_PORT. */
    readonly ports: Readonly<Record<string, string>>,
    /** Servers that the stack uses instead of embedded ones, and other settings. */
    readonly given: NodeJS.ProcessEnv,
  ) {}

  /**
   * Stops it, and closes the connection to MongoDB. @returns the exit code, 0 for one that has none
   * @throws Error if a process is left, or if the output or a log has a secret: a password of a secured stack or a token that a spec has sent
   */
  abstract stop(): Promise<number | null>;

  /** What it has printed. */
  abstract get output(): string;

  private get isReady(): boolean {
    return this.output.split('\n').includes('ready');
  }

  get producerUrl(): string {
    return `http://127.0.0.1:${this.ports['PRODUCER_PORT']}`;
  }

  get consoleUrl(): string {
    return `http://127.0.0.1:${this.ports['CONSOLE_PORT']}`;
  }

  get queryApiUrl(): string {
    return `http://127.0.0.1:${this.ports['QUERY_API_PORT']}`;
  }

  /** Only with `--legacy`. */
  get legacyUrl(): string {
    return `http://127.0.0.1:${this.ports['LEGACY_PORT']}`;
  }

  /** Only with `--legacy`. */
  get facadeUrl(): string {
    return `http://127.0.0.1:${this.ports['FACADE_PORT']}`;
  }

  /** Only with `--auth`. */
  get issuerUrl(): string {
    return `http://127.0.0.1:${this.ports['ISSUER_PORT']}`;
  }

  /** Only of a secured stack. */
  get credentials(): StackCredentials {
    return StackCredentials.in(this.output);
  }

  /** The addresses that require tokens on a secured stack. */
  private get origins(): string[] {
    return [this.producerUrl, this.consoleUrl, this.queryApiUrl];
  }

  /** On a secured stack with the user of the administrator. */
  get mongodbUri(): string {
    if (IS_SECURED) return this.credentials.secret('admin', 'mongodb-uri');
    return this.given['MONGODB_URI'] ?? `mongodb://127.0.0.1:${this.ports['MONGODB_PORT']}/orders?replicaSet=orders`;
  }

  get brokers(): string {
    return this.given['KAFKA_BROKERS'] ?? `127.0.0.1:${this.ports['KAFKA_PORT']}`;
  }

  get registryUrl(): string {
    return this.given['SCHEMA_REGISTRY_URL'] ?? `http://127.0.0.1:${this.ports['REGISTRY_PORT']}/apis/ccompat/v7`;
  }

  get db(): Db {
    // What a spec has seen, services see too: they read what a majority has, which is some milliseconds older.
    this.mongo ??= new MongoClient(this.mongodbUri, { readConcernLevel: 'majority' });
    return this.mongo.db();
  }

  /** Closes only the connection to MongoDB. */
  async close(): Promise<void> {
    await this.mongo?.close();
    this.mongo = undefined;
  }

  /** Waits for a line that equals the text or matches the pattern. */
  prints(line: string | RegExp): Promise<void> {
    const matches = (text: string): boolean => (typeof line === 'string' ? text === line : line.test(text));
    // oxlint-disable-next-line cases/no-awaited-log -- what the supervisor prints is its answer to the user.
    return eventually(`the stack prints ${line}`, () => this.output.split('\n').some(matches)).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${this.output}`, { cause: error });
      },
    );
  }

  /** Returns the apps and servers that are running. */
  processes(): ProcessRecord[] {
    return new ProcessRecords(this.dataDirectory, machineProcesses).running();
  }

  /** Returns one of the running processes, such as `Kafka` or `consumer-1`. */
  process(name: string): ProcessRecord {
    const found = this.processes().find((record) => record.name === name);
    if (found === undefined) throw new Error(`The process ${name} is not running`);
    return found;
  }

  /** Waits until another process has replaced one that has ended. */
  async runsAgain({ name, pid }: ProcessRecord): Promise<void> {
    await eventually(`${name} runs again`, () =>
      this.processes().some((each) => each.name === name && each.pid !== pid),
    );
  }

  /** Returns the output and all logs, each with its name. */
  writtenTexts(): [name: string, text: string][] {
    const folder = join(this.dataDirectory, 'logs');
    return [
      ['the output', this.output],
      ...readdirSync(folder).map((name): [string, string] => [name, readFileSync(join(folder, name), 'utf8')]),
    ];
  }

  /** Ends the producer, and waits until the next one is ready: one that starts answers 503. */
  async killProducer(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = this.process('producer');
    process.kill(ended.pid, signal);
    await this.runsAgain(ended);
    await eventually('the producer is ready again', async () =>
      fetch(`${this.producerUrl}/health/ready`).then(
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
    const { body } = await request<PopulateResponse>(`${this.producerUrl}/v1/operations/${id}`);
    return body;
  }

  /** Waits until the operation has ended and all of its orders are saved, and returns its final state. */
  async allSaved(id: string): Promise<PopulateResponse> {
    await eventually(`${id} has ended, and all of its orders are saved`, async () => {
      const { status, body } = await request<PopulateResponse>(`${this.producerUrl}/v1/operations/${id}`);
      // A refusal has no figures. Orders may be saved before the end is stored, and an intake has no count until then.
      return status === 200 && body.status !== 'running' && body.saved === body.count;
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

  /** @param key the Idempotency-Key */
  async post<T>(path: string, body: unknown, key?: string): Promise<Answer<T>> {
    return request<T>(`${this.producerUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** Requests a path of the query API. */
  async get<T>(path: string): Promise<Answer<T>> {
    return request<T>(`${this.queryApiUrl}${path}`);
  }

  /** Follows `next` (or `prev`) from a page to the end, and returns the orders of each page. */
  async walk(path: string, link: 'next' | 'prev' = 'next'): Promise<OrderResponse[][]> {
    return followPages(this.queryApiUrl, path, link);
  }

  /** Lets each request of the spec to a secured stack have a token. */
  protected async sendTokens(): Promise<void> {
    if (IS_SECURED) sendToken(await requestToken(this.issuerUrl), this.origins);
  }

  /** The secrets that must not be written anywhere. */
  protected secrets(): string[] {
    return IS_SECURED && this.isReady ? [...this.credentials.passwords(), ...secretsOfTokens()] : [];
  }

  /** @throws Error if the output or a log has one of the secrets */
  protected requireNoneOf(secrets: readonly string[]): void {
    for (const [name, text] of this.writtenTexts()) {
      const leaked = secrets.find((secret) => text.includes(secret));
      if (leaked !== undefined) throw new Error(`A secret is in ${name}: ${around(text, leaked)}`);
    }
  }
}

/** Returns the orders that an operation must have generated, as responses of the query API. */
export function expectedOrders(operation: PopulateResponse): OrderResponse[] {
  const batch: PopulateInput = {
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
function around(text: string, part: string): string {
  const at = text.indexOf(part);
  return text.slice(Math.max(0, at - 200), at + part.length);
}
