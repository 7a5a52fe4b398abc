import { isDeepStrictEqual } from 'node:util';
import { type OrderResponse, orderResponse } from '#orders/order/order-response.js';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { orderGenerator } from '#orders/generator/generator.js';
import type { Draw } from '../../dev/migration-journey/stored-orders.js';
import { reasonOf } from '../../dev/migration-journey/clients.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import type { Cluster } from './cluster/cluster.js';
import { type History, type ReadEvent, Repetition } from './history.js';

/** A response of the query API. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Judgement {
  /** `absent` is correct too, but says less: the response correctly contains no orders yet. `wrong` is a wrong answer. */
  readonly outcome: 'right' | 'absent' | 'error' | 'wrong';
  /** Why the response is not correct. */
  readonly reason: string | null;
}

const RIGHT: Judgement = { outcome: 'right', reason: null };
const ABSENT: Judgement = { outcome: 'absent', reason: null };
const wrong = (reason: string): Judgement => ({ outcome: 'wrong', reason });

/** Statuses of declared errors: the service can't answer now. */
const DECLARED_ERRORS = new Set([429, 503, 504]);

/** @param isSaved whether the order was known to be saved before the request was sent */
export function judgeOrder({ status, body }: Answer, expected: OrderResponse, isSaved: boolean): Judgement {
  if (status === 404) return isSaved ? wrong(`order ${expected.number} is saved, but the response is a 404`) : ABSENT;
  if (status !== 200) return judgeError(status);
  return isDeepStrictEqual(body, expected) ? RIGHT : wrong(`order ${expected.number} differs from the created order`);
}

/**
 * @param expected all orders that may be in the response @param isSaved whether an order number was known to be saved before the request
 */
export function judgePage(
  { status, body }: Answer,
  expected: readonly OrderResponse[],
  isSaved: (number: number) => boolean,
): Judgement {
  if (status !== 200) return judgeError(status);
  if (!isPage(body)) return wrong('the body is not a page of orders');
  const { items } = body;
  const byNumber = new Map(expected.map((order) => [order.number, order]));
  for (const [at, item] of items.entries()) {
    if (!isDeepStrictEqual(item, byNumber.get(item.number)))
      return wrong(`order ${item.number} differs from the created order`);
    if (at > 0 && item.number <= (items[at - 1]?.number ?? 0)) return wrong(`order ${item.number} is out of order`);
  }
  const returned = new Set(items.map(({ number }) => number));
  const missing = expected.find(({ number }) => isSaved(number) && !returned.has(number));
  if (missing !== undefined) return wrong(`order ${missing.number} is saved, but missing from its page`);
  return items.length > 0 ? RIGHT : ABSENT;
}

function isPage(body: unknown): body is { readonly items: readonly OrderResponse[] } {
  if (typeof body !== 'object' || body === null || !('items' in body) || !Array.isArray(body.items)) return false;
  return body.items.every((item: unknown) => typeof item === 'object' && item !== null && 'number' in item);
}

/** A 500 is a wrong answer: it is an error that the service does not handle. */
function judgeError(status: number): Judgement {
  return DECLARED_ERRORS.has(status) ? { outcome: 'error', reason: `status ${status}` } : wrong(`status ${status}`);
}

const RECENT = 20;

/** Tracks which orders of one operation are known to be saved, and how many per partition. */
export class SavedNumbers {
  total = 0;
  /** Saved orders since the beginning, by partition. */
  readonly byPartition: number[];
  private readonly known: Uint8Array;
  /** Indexes of the last saved orders, as a ring buffer. */
  private readonly recent: number[] = [];

  constructor(
    private readonly firstNumber: number,
    count: number,
    partitions: number,
  ) {
    this.known = new Uint8Array(count);
    this.byPartition = Array.from({ length: partitions }, () => 0);
  }

  note({ number, partition }: { readonly number: number; readonly partition: number }): void {
    const index = number - this.firstNumber;
    if (index < 0 || index >= this.known.length) return;
    this.known[index] = 1;
    this.recent[this.total % RECENT] = index;
    this.total += 1;
    this.byPartition[partition] = (this.byPartition[partition] ?? 0) + 1;
  }

  /** Records that a read returned the order: later reads must return it too, even before the change stream reports its insert. */
  noteReturned(number: number): void {
    const index = number - this.firstNumber;
    if (index >= 0 && index < this.known.length) this.known[index] = 1;
  }

  has(number: number): boolean {
    return this.known[number - this.firstNumber] === 1;
  }

  /** Draws the index of a recently saved order; `undefined` while no order is saved. */
  oneOfTheLast(draw: (below: number) => number): number | undefined {
    return this.recent.length === 0 ? undefined : this.recent[draw(this.recent.length)];
  }
}

/** Longer than the services' own time limits. */
const TIMEOUT_MS = 20_000;

interface JsonResponse<T> {
  readonly status: number;
  /** `undefined` if the body is not JSON. */
  readonly body: T | undefined;
}

/**
 * Sends a request on a connection of its own and parses the JSON response. `fetch` would keep the peak number of connections open, hundreds
 * after an election, and the check for leaks would blame the service.
 * @throws if no complete response arrives; the outcome of the request is then unknown
 */
async function requestJson<T>(url: string, init: RequestInit = {}): Promise<JsonResponse<T>> {
  const headers = new Headers(init.headers);
  headers.set('Connection', 'close');
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { status: response.status, body: parseJson(await response.text()) as T | undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A complete body that is not JSON is still a response for the caller to judge.
    return undefined;
  }
}

const RETRY_DELAY_MS = 500;
const EVERY_MS = 4_000;
const COUNT = 50;
/** Few enough that every account has orders in each chunk, so that two swapped chunks are detected. */
const ACCOUNTS = 1_000;
/** Far longer than any fault lasts. A populate that no producer accepts in this time counts as rejected and is not retried. */
const ACCEPTED_WITHIN_MS = 120_000;
/** A few invalid records per populate. No duplicates: they would look like the repeated saves of a fault. */
const FAULTS = { poison: 0.04, oversized: 0.02, conflict: 0.04 };

/** Body of a populate request. */
export interface PopulateBody {
  readonly count: number;
  readonly seed: number;
  readonly ratePerSecond?: number;
  readonly accounts?: number;
  /** Fractions of invalid records, by kind. */
  readonly faults?: Readonly<Record<string, number>>;
}

interface Populate {
  readonly key: string;
  readonly body: PopulateBody;
}

/** Requests one large populate and, from `begin` to `end`, a stream of small ones, each retried until its outcome is known. */
export class Populates extends Repetition {
  /** Accepted populates with their request bodies, by idempotency key. */
  readonly accepted = new Map<string, { readonly id: string; readonly body: PopulateBody }>();
  /** Idempotency keys of populates that no producer accepted. */
  readonly rejected: string[] = [];
  /** Prefix of the idempotency keys of this run. */
  private readonly prefix = `chaos-${randomUUID()}`;
  private smallOnes = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly history: History,
    private readonly wrongRecords: boolean,
  ) {
    super(EVERY_MS, async () => this.smallOne());
  }

  /** Retries the large populate with its key until a producer accepts it. @throws Error if no producer does within two minutes */
  async large(count: number, ratePerSecond: number, seed: number): Promise<PopulateResponse> {
    const accepted = await this.untilAccepted({
      key: `${this.prefix}-large`,
      body: { count, ratePerSecond, seed, accounts: ACCOUNTS },
    });
    if (accepted === undefined) throw new Error('no producer accepted the large populate');
    return accepted;
  }

  private async smallOne(): Promise<void> {
    const seed = (this.smallOnes += 1);
    const body = { count: COUNT, seed, ...(this.wrongRecords && { faults: FAULTS }) };
    await this.untilAccepted({ key: `${this.prefix}-${seed}`, body });
  }

  private async untilAccepted(populate: Populate): Promise<PopulateResponse | undefined> {
    const deadline = performance.now() + ACCEPTED_WITHIN_MS;
    for (let tries = 0; performance.now() < deadline; tries += 1) {
      const urls = this.cluster.apps.urlsOf('producer');
      // Each retry goes to the other producer: all producers know the outcome of an earlier request.
      const url = urls[tries % Math.max(1, urls.length)];
      const accepted = url === undefined ? undefined : await this.once(url, populate);
      if (accepted !== undefined) return accepted;
      await delay(RETRY_DELAY_MS);
    }
    this.rejected.push(populate.key);
    return undefined;
  }

  private async once(url: string, { key, body }: Populate): Promise<PopulateResponse | undefined> {
    const startedAt = performance.now();
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await requestJson<PopulateResponse>(`${url}/v1/populate`, init).catch(reasonOf);
    const status = typeof answer === 'string' ? undefined : answer.status;
    const accepted = typeof answer !== 'string' && status === 202 ? answer.body : undefined;
    // A status below 500 means that nothing was done; after any other status, or none, the outcome is unknown.
    const failed = status !== undefined && status < 500 ? 'refused' : 'unknown';
    this.history.add({
      type: 'populate',
      key,
      count: body.count,
      outcome: accepted === undefined ? failed : 'ok',
      operationId: accepted?.id ?? null,
      reason: accepted === undefined ? (typeof answer === 'string' ? answer : `status ${status}`) : null,
      tookMs: Math.round(performance.now() - startedAt),
    });
    if (accepted !== undefined) this.accepted.set(key, { id: accepted.id, body });
    return accepted;
  }
}

const READ_EVERY_MS = 20;
const PAGE_SIZE = 50;

type Kind = ReadEvent['what'];
const KINDS: readonly Kind[] = ['order', 'page', 'range'];

/** A read request, with a judge that knows only what was known before the request was sent. */
interface ReadRequest {
  readonly what: Kind;
  readonly path: string;
  readonly judge: (answer: { status: number; body: unknown }) => Judgement;
}

/** Reads orders of one operation continuously, by id, page and range, and judges each response against the expected orders. */
export class Reader extends Repetition {
  private readonly orderAt: (index: number) => OrderResponse;
  private readonly pending = new Set<Promise<unknown>>();
  private sent = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly operation: PopulateResponse,
    private readonly saved: SavedNumbers,
    private readonly history: History,
    private readonly draw: Draw,
  ) {
    super(READ_EVERY_MS, () => this.readNext());
    const { id: operationId, from, to, ...batch } = operation;
    const orderAt = orderGenerator({ ...batch, operationId, from: new Date(from), to: new Date(to) });
    this.orderAt = (index) => orderResponse(orderAt(index));
  }

  /** Resolves when every read has its response. */
  override async end(): Promise<void> {
    await super.end();
    await Promise.all(this.pending);
  }

  /** Sends `each` reads to every query API once all orders are saved: each read must find its orders. */
  async sweep(each: number): Promise<{ readonly sent: number; readonly right: number }> {
    let right = 0;
    const urls = this.cluster.apps.urlsOf('query-api');
    for (const url of urls)
      for (let n = 0; n < each; n += 1) {
        const { outcome } = await this.send(url, this.nextRead(KINDS[n % KINDS.length] ?? 'order'));
        if (outcome === 'right') right += 1;
      }
    return { sent: urls.length * each, right };
  }

  /** Sends the next read without waiting for its response, so that a query API that hangs does not stop the reads. */
  private readNext(): void {
    const urls = this.cluster.apps.urlsOf('query-api');
    const n = this.sent++;
    const url = urls[n % Math.max(1, urls.length)];
    if (url === undefined) return;
    const reading = this.send(url, this.nextRead(KINDS[n % KINDS.length] ?? 'order'));
    this.pending.add(reading);
    void reading.finally(() => this.pending.delete(reading));
  }

  private async send(url: string, { what, path, judge }: ReadRequest): Promise<Judgement> {
    const startedAt = performance.now();
    // Every complete response is judged; a missing or incomplete one is a declared error.
    const answer = await requestJson(`${url}${path}`).catch(reasonOf);
    const judgement: Judgement = typeof answer === 'string' ? { outcome: 'error', reason: answer } : judge(answer);
    this.history.add({ type: 'read', what, path, tookMs: Math.round(performance.now() - startedAt), ...judgement });
    if (typeof answer !== 'string' && judgement.outcome === 'right')
      for (const number of numbersIn(answer.body)) this.saved.noteReturned(number);
    return judgement;
  }

  /** Draws the next read. Its response must include every order that is known to be saved now. */
  private nextRead(what: Kind): ReadRequest {
    const { firstNumber } = this.operation;
    const index = this.index();
    if (what === 'order') {
      const expected = this.orderAt(index);
      const isSaved = this.saved.has(expected.number);
      return { what, path: `/v1/orders/${expected.id}`, judge: (answer) => judgeOrder(answer, expected, isSaved) };
    }
    const from = what === 'page' ? pageOf(firstNumber + index) : firstNumber + index;
    const expected = this.ordersFrom(from);
    const known = new Set(expected.map(({ number }) => number).filter((number) => this.saved.has(number)));
    const path =
      what === 'page'
        ? `/v1/orders?page=${(from - 1) / PAGE_SIZE + 1}&pageSize=${PAGE_SIZE}`
        : `/v1/orders/range?from=${from}&to=${from + PAGE_SIZE - 1}&pageSize=${PAGE_SIZE}`;
    return { what, path, judge: (answer) => judgePage(answer, expected, (number) => known.has(number)) };
  }

  /**
   * Draws half of the reads among the last saved orders, where a stale response shows, and half among all orders up to those saved next.
   */
  private index(): number {
    const latest = this.draw(2) === 0 ? this.saved.oneOfTheLast(this.draw) : undefined;
    // The pages after the last one hold orders of other operations.
    const end = this.operation.count - 2 * PAGE_SIZE;
    return Math.max(0, Math.min(end, latest ?? this.draw(this.saved.total + PAGE_SIZE)));
  }

  /** The orders of this operation in the range; other operations' numbers may follow its block. */
  private ordersFrom(number: number): OrderResponse[] {
    const { firstNumber, count } = this.operation;
    const first = Math.max(0, number - firstNumber);
    const end = Math.min(count, number - firstNumber + PAGE_SIZE);
    return Array.from({ length: Math.max(0, end - first) }, (_, at) => this.orderAt(first + at));
  }
}

/** Numbers of the orders in a correct response, for one order or a page. */
function numbersIn(body: unknown): number[] {
  const { items } = body as { readonly items?: readonly OrderResponse[] };
  return (items ?? [body as OrderResponse]).map(({ number }) => number);
}

/** The first number of the page that contains a number. */
function pageOf(number: number): number {
  return Math.floor((number - 1) / PAGE_SIZE) * PAGE_SIZE + 1;
}
