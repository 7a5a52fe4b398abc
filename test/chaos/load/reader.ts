import { setTimeout as delay } from 'node:timers/promises';
import { orderGenerator } from '#orders/generator.js';
import { orderResponse, type OrderResponse } from '#orders/order-response.js';
import type { PopulateResponse } from '../../support/pipeline.js';
import { judgeOrder, judgePage, type Judgement } from '../checks/read-judge.js';
import type { SavedNumbers } from '../checks/saved-numbers.js';
import type { ClusterApps } from '../cluster/cluster-apps.js';
import type { Draw } from '../faults/fault.js';
import type { History, ReadEvent } from '../history/history.js';
import { ask, reasonOf } from './asked.js';

const EVERY_MS = 20;
const PAGE_SIZE = 50;

type Kind = ReadEvent['what'];
const KINDS: readonly Kind[] = ['order', 'page', 'range'];

/** A question, and what can be said about its answer before it is asked. */
interface Question {
  readonly what: Kind;
  readonly path: string;
  readonly judge: (answer: { status: number; body: unknown }) => Judgement;
}

/** Somebody who reads orders of one operation all the time, by id, by page and by range, and knows what the answers must be. */
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

  /** Once all is saved: each of the query APIs must find whatever it is asked for. */
  async sweep(each: number): Promise<{ readonly asked: number; readonly right: number }> {
    let right = 0;
    const urls = this.apps.queryApiUrls;
    for (const url of urls)
      for (let n = 0; n < each; n += 1) {
        const { outcome } = await this.ask(url, this.question(KINDS[n % KINDS.length] ?? 'order'));
        if (outcome === 'right') right += 1;
      }
    return { asked: urls.length * each, right };
  }

  /** No question waits for the answer of the one before: a query API that hangs must not stop the asking. */
  private async run(): Promise<void> {
    for (let n = 0; !this.over.signal.aborted; n += 1) {
      const urls = this.apps.queryApiUrls;
      const url = urls[n % Math.max(1, urls.length)];
      if (url !== undefined) {
        const asked = this.ask(url, this.question(KINDS[n % KINDS.length] ?? 'order'));
        this.pending.add(asked);
        void asked.finally(() => this.pending.delete(asked));
      }
      await Promise.allSettled([delay(EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  private async ask(url: string, { what, path, judge }: Question): Promise<Judgement> {
    const startedAt = performance.now();
    const told = (judgement: Judgement): void =>
      this.history.add({ type: 'read', what, path, tookMs: Math.round(performance.now() - startedAt), ...judgement });
    // What comes whole is judged, whatever it is; only what does not come is nobody's word.
    const answer = await ask(`${url}${path}`).catch(reasonOf);
    const judgement: Judgement = typeof answer === 'string' ? { outcome: 'error', reason: answer } : judge(answer);
    told(judgement);
    if (typeof answer !== 'string' && judgement.outcome === 'right')
      for (const number of shownIn(answer.body)) this.saved.noteShown(number);
    return judgement;
  }

  /** What is known now is what the answer may not lack. */
  private question(what: Kind): Question {
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

  /** By half of what was saved just now, where an answer that is a moment old shows; else of all that is saved so far, or is about to be. */
  private index(): number {
    const latest = this.draw(2) === 0 ? this.saved.oneOfTheLast(this.draw) : undefined;
    // Behind the last page stand the orders of others.
    const end = this.operation.count - 2 * PAGE_SIZE;
    return Math.max(0, Math.min(end, latest ?? this.draw(this.saved.total + PAGE_SIZE)));
  }

  /** Only those of this operation, whose block other operations' numbers may follow. */
  private ordersFrom(number: number): OrderResponse[] {
    const { firstNumber, count } = this.operation;
    const first = Math.max(0, number - firstNumber);
    const end = Math.min(count, number - firstNumber + PAGE_SIZE);
    return Array.from({ length: Math.max(0, end - first) }, (_, at) => this.orderAt(first + at));
  }
}

/** Numbers of the orders in a right answer, of one or of a page. */
function shownIn(body: unknown): number[] {
  const { items } = body as { readonly items?: readonly OrderResponse[] };
  return (items ?? [body as OrderResponse]).map(({ number }) => number);
}

/** The first number of the page that a number stands on. */
function pageOf(number: number): number {
  return Math.floor((number - 1) / PAGE_SIZE) * PAGE_SIZE + 1;
}
