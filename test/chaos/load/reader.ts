import { setTimeout as delay } from 'node:timers/promises';
import { orderGenerator } from '#orders/generator/generator.js';
import { orderResponse, type OrderResponse } from '#orders/order/order-response.js';
import type { PopulateResponse } from '../../support/tested-stack.js';
import { judgeOrder, judgePage, type Judgement } from '../checks/read-judge.js';
import type { SavedNumbers } from '../checks/saved-numbers.js';
import type { ClusterApps } from '../cluster/cluster-apps.js';
import type { Draw } from '../faults/fault.js';
import type { History, ReadEvent } from '../history/history.js';
import { reasonOf, requestJson } from './api-response.js';

const EVERY_MS = 20;
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
export class Reader {
  private readonly over = new AbortController();
  private readonly orderAt: (index: number) => OrderResponse;
  private readonly pending = new Set<Promise<unknown>>();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly apps: ClusterApps,
    private readonly operation: PopulateResponse,
    private readonly saved: SavedNumbers,
    private readonly history: History,
    private readonly draw: Draw,
  ) {
    const { id: operationId, from, to, ...batch } = operation;
    const orderAt = orderGenerator({ ...batch, operationId, from: new Date(from), to: new Date(to) });
    this.orderAt = (index) => orderResponse(orderAt(index));
  }

  begin(): void {
    this.running = this.run();
  }

  async end(): Promise<void> {
    this.over.abort();
    await this.running;
    await Promise.all(this.pending);
  }

  /** Sends `each` reads to every query API once all orders are saved: each read must find its orders. */
  async sweep(each: number): Promise<{ readonly sent: number; readonly right: number }> {
    let right = 0;
    const urls = this.apps.queryApiUrls;
    for (const url of urls)
      for (let n = 0; n < each; n += 1) {
        const { outcome } = await this.send(url, this.nextRead(KINDS[n % KINDS.length] ?? 'order'));
        if (outcome === 'right') right += 1;
      }
    return { sent: urls.length * each, right };
  }

  /** Sends each read without waiting for earlier responses, so that a query API that hangs does not stop the reads. */
  private async run(): Promise<void> {
    for (let n = 0; !this.over.signal.aborted; n += 1) {
      const urls = this.apps.queryApiUrls;
      const url = urls[n % Math.max(1, urls.length)];
      if (url !== undefined) {
        const reading = this.send(url, this.nextRead(KINDS[n % KINDS.length] ?? 'order'));
        this.pending.add(reading);
        void reading.finally(() => this.pending.delete(reading));
      }
      await Promise.allSettled([delay(EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  private async send(url: string, { what, path, judge }: ReadRequest): Promise<Judgement> {
    const startedAt = performance.now();
    const record = (judgement: Judgement): void =>
      this.history.add({ type: 'read', what, path, tookMs: Math.round(performance.now() - startedAt), ...judgement });
    // Every complete response is judged; a missing or incomplete one is a declared error.
    const answer = await requestJson(`${url}${path}`).catch(reasonOf);
    const judgement: Judgement = typeof answer === 'string' ? { outcome: 'error', reason: answer } : judge(answer);
    record(judgement);
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
