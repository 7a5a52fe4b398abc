import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { UUID, Collection } from 'mongodb';
import { ZipFile } from 'yazl';
import type { ImportFiles, ImportRejectsPage, ImportResponse } from '../../apps/producer/src/imports/import-api.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { eventually, betweenTries } from './eventually.js';
import type { TestSystem } from './test-system.js';
import type { Answer, TestedStack } from './tested-stack.js';
import type { IntakeOrderBody } from '#orders/order/intake-order.js';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import type { AcceptedOrders } from '../../apps/producer/src/order-api/orders-request.js';
import { v7 as uuidv7 } from 'uuid';
import { orderGenerator } from '#orders/generator/generator.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import type { OrderCodec } from '#orders/order/order-codec.js';
import type { Order } from '#orders/order/order.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { quietKafka, writeRecords } from './topic-writer.js';
import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { DeadLetterGroups } from '../../apps/producer/src/dead-letters/dead-letter-api.js';

/** A row in the format of the legacy system. */
export interface LegacyPair {
  readonly id: string;
  readonly number: number;
}

type ImportAnswer = OperationResponse & { readonly code: string; readonly detail: string };

/** Returns rows with new ids. */
export function legacyPairs(count: number, firstNumber = 1): LegacyPair[] {
  return Array.from({ length: count }, (_, at) => ({ id: randomUUID(), number: firstNumber + at }));
}

export async function zipOf(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  return buffer(zip.outputStream);
}

/** The imports of a pipeline, through its public API. */
export class Imports {
  constructor(private readonly pipeline: TestSystem) {}

  /** Uploads files as a form. @param files by name; a value that is neither text nor bytes is sent as JSON */
  async upload(
    files: Readonly<Record<string, unknown>>,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer<ImportAnswer>> {
    const form = new FormData();
    for (const [name, content] of Object.entries(files)) {
      const isRaw = typeof content === 'string' || Buffer.isBuffer(content);
      form.append('files', new Blob([isRaw ? new Uint8Array(Buffer.from(content)) : JSON.stringify(content)]), name);
    }
    return this.post(form, { query, headers });
  }

  async post(
    body: NonNullable<RequestInit['body']>,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer<ImportAnswer>> {
    const init = { method: 'POST', body, headers, duplex: 'half' };
    const response = await fetch(`${this.pipeline.producerUrl}/v1/imports${query}`, init as RequestInit);
    return { status: response.status, headers: response.headers, body: (await response.json()) as ImportAnswer };
  }

  /** Uploads one file as a form, no faster than the producer reads it. */
  async uploadStream(name: string, content: AsyncIterable<Buffer>): Promise<Answer<ImportAnswer>> {
    const boundary = `b${randomUUID()}`;
    const parts = async function* (): AsyncGenerator<Buffer> {
      const disposition = `form-data; name="files"; filename="${name}"`;
      yield Buffer.from(`--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\n`);
      yield* content;
      yield Buffer.from(`\r\n--${boundary}--\r\n`);
    };
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    return this.post(Readable.toWeb(Readable.from(parts())) as NonNullable<RequestInit['body']>, { headers });
  }

  /** Uploads files, and waits until all resulting orders are saved. */
  async imported(files: Readonly<Record<string, unknown>>): Promise<OperationResponse> {
    const { status, body } = await this.upload(files);
    if (status !== 202) throw new Error(`the import responded with status ${status}: ${JSON.stringify(body)}`);
    return this.ended(body.id);
  }

  /** Waits until an import has succeeded and all of its orders are saved. */
  async ended(id: string): Promise<OperationResponse> {
    await eventually(`import ${id} is saved`, async () => {
      const { status, count, saved } = await this.pipeline.operation(id);
      return status === 'succeeded' && saved === count;
    });
    return this.pipeline.operation(id);
  }

  async summary(id: string): Promise<ImportResponse> {
    return this.get<ImportResponse>(`/v1/imports/${id}`);
  }

  async files(id: string): Promise<ImportFiles['items']> {
    return this.all<ImportFiles>(`/v1/imports/${id}/files?pageSize=3`);
  }

  async rejects(id: string): Promise<ImportRejectsPage['items']> {
    return this.all<ImportRejectsPage>(`/v1/imports/${id}/rejects?pageSize=3`);
  }

  /** Returns the orders saved under an import's numbers, as rows of the legacy system, in ascending order. */
  async brought({ count, firstNumber }: Pick<OperationResponse, 'count' | 'firstNumber'>): Promise<LegacyPair[]> {
    const first = Number(firstNumber);
    const orders = await this.pipeline.db
      .collection('orders')
      .find({ number: { $gte: first, $lt: first + Number(count) } })
      .sort({ number: 1 })
      .project<{ _id: UUID; legacy: { number: number } }>({ legacy: 1 })
      .toArray();
    return orders.map(({ _id, legacy }) => ({ id: _id.toHexString(), number: legacy.number }));
  }

  /** Counts the stored chunks of files that wait to be read or were left behind. */
  async bytesKept(): Promise<number> {
    return this.pipeline.db.collection('importFiles.chunks').countDocuments();
  }

  private async all<T extends { items: unknown[]; page: { next?: string | undefined } }>(
    first: string,
  ): Promise<T['items']> {
    const items: unknown[] = [];
    for (let path: string | undefined = first; path !== undefined;) {
      const page: T = await this.get<T>(path);
      items.push(...page.items);
      path = page.page.next;
    }
    return items;
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.pipeline.producerUrl}${path}`);
    if (response.status !== 200) throw new Error(`${path} responded with status ${response.status}`);
    return (await response.json()) as T;
  }
}

/** The body of the intake's answer: the accepted orders, or problem details. */
type IntakeAnswer = AcceptedOrders & {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string }[];
};

/** Returns an order for the intake. @param change replaces fields, also by invalid ones */
export function intakeOrder(change: Readonly<Record<string, unknown>> = {}): IntakeOrderBody {
  return { ...anIntakeOrder(), ...change };
}

/** Sends a body to `POST /v1/orders`. @param key the Idempotency-Key */
export async function sendOrders(
  stack: Pick<TestedStack, 'producerUrl'>,
  body: unknown,
  key?: string,
): Promise<Answer<IntakeAnswer>> {
  const response = await fetch(`${stack.producerUrl}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as IntakeAnswer };
}

/** A client that sends the orders of its account one after another, each to another producer, and repeats what was not accepted. */
export class IntakeClient {
  readonly operations = new Set<string>();
  accepted = 0;
  /** The `Retry-After` of requests that were refused because the topic got more partitions. */
  readonly refused: (string | null)[] = [];
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly accountId: string,
    private readonly producers: () => readonly string[],
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async run(): Promise<void> {
    for (let sent = 0; !this.isOver; sent += 1) {
      const key = crypto.randomUUID();
      while (!(await this.send(key, sent))) await betweenTries(50);
      this.accepted += 1;
    }
  }

  private async send(key: string, sent: number): Promise<boolean> {
    const producers = this.producers();
    const producerUrl = producers[sent % producers.length] ?? '';
    const { status, headers, body } = await sendOrders(
      { producerUrl },
      intakeOrder({ accountId: this.accountId }),
      key,
    );
    if (status === 202) this.operations.add(body.operationId);
    else if (status !== 503) throw new Error(`unexpected answer ${status}: ${JSON.stringify(body)}`);
    if (body.code === 'topic-expands') this.refused.push(headers.get('retry-after'));
    return status === 202;
  }
}

const COUNT = 1_000;
/** Above all numbers that the pipelines of tests reserve. */
let firstNumber = 2 ** 40;

/** Orders of an operation that no producer knows: the spec writes their records itself. Their ids and numbers are its own. */
export class WrittenOperation {
  readonly id = uuidv7();
  /** Returns an order by its index, below 1,000. */
  readonly orderAt: (index: number) => Order;

  constructor(
    private readonly pipeline: TestedStack,
    private readonly codec: OrderCodec,
  ) {
    this.orderAt = orderGenerator({
      operationId: this.id,
      seed: 7,
      count: COUNT,
      firstNumber,
      accounts: 50,
      from: new Date('2026-01-01T00:00:00Z'),
      to: new Date('2026-01-02T00:00:00Z'),
    });
    firstNumber += COUNT;
  }

  /** Returns a valid order in the wire format, but with the id of a schema that the registry does not have. */
  withUnknownSchema(order: Order): Buffer {
    return Buffer.concat([Buffer.from([0, 0, 0, 0x7f, 0xff]), this.codec.encode(order).subarray(5)]);
  }

  /**
   * Writes a record for each index, with the headers of the operation and one more.
   * @param value returns the bytes for an order. Default: those of the order
   * @returns the offset of each
   */
  async write(
    partition: number,
    indexes: readonly number[],
    value = (order: Order, _index: number): Buffer | null => this.codec.encode(order),
  ): Promise<number[]> {
    const records = indexes.map((index) => ({
      partition,
      key: this.orderAt(index).accountId,
      value: value(this.orderAt(index), index),
      headers: { 'x-trace': `t${index}`, ...originHeaders({ operationId: this.id, index }) },
    }));
    return writeRecords(quietKafka(this.pipeline.brokers), ORDERS_TOPIC, records);
  }
}

interface ProblemBody {
  readonly code: string;
  readonly detail: string;
  /** Only of the plan that a dry run returns. */
  readonly letters?: number;
}

/** The dead letters of a pipeline and their redrives, through the producer's API. */
export class Redrives {
  constructor(private readonly pipeline: TestedStack) {}

  get letters(): Collection<DeadLetterDocument> {
    return deadLettersCollection(this.pipeline.db);
  }

  /** Requests a path of the producer. */
  async get<T>(path: string): Promise<Answer<T>> {
    const response = await fetch(`${this.pipeline.producerUrl}${path}`);
    return { status: response.status, headers: response.headers, body: (await response.json()) as T };
  }

  /** Returns the number of dead letters in a state, by error code. @param operationId counts only those of this operation */
  async groups(state = 'pending', operationId?: string): Promise<Record<string, number>> {
    const query = new URLSearchParams({ state, ...(operationId !== undefined && { operationId }) });
    const { body } = await this.get<DeadLetterGroups>(`/v1/dead-letters?${query.toString()}`);
    return Object.fromEntries(body.items.map(({ errorCode, count }) => [errorCode, count]));
  }

  /** @param key the Idempotency-Key */
  async ask(body: object, key?: string): Promise<Answer<OperationResponse & ProblemBody>> {
    return this.pipeline.post('/v1/dead-letters/redrive', body, key);
  }

  async operation(id: string): Promise<OperationResponse> {
    return (await this.get<OperationResponse>(`/v1/operations/${id}`)).body;
  }

  async moved(id: string): Promise<number> {
    return (await this.operation(id)).redrive?.moved ?? 0;
  }

  /** Waits until the outcome of each dead letter is known. */
  async ended(id: string): Promise<OperationResponse> {
    await eventually(`the redrive ${id} ends`, async () => (await this.operation(id)).finishedAt !== null);
    return this.operation(id);
  }
}
