import { z } from 'zod';
import { validate as isUuid } from 'uuid';
import { fromResponse } from '#legacy/translation/api-order.js';
import { type LegacyRecord, legacyView } from '#legacy/translation/to-legacy.js';
import type { Order } from '#orders/order/order.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { askedOrders, type LegacyRead, type NumberInterval, SideUnavailableError } from './side.js';
import type { TargetApi } from './target-api.js';
import { textOf } from './side-connection.js';

/** What the legacy system would have answered for one order; `null` if it has no such order. */
export type OrderView = Partial<LegacyRecord> | null;

/** How the legacy system writes its answers: a page is its file, which has one order on a line. */
export type AnswerForm = 'order' | 'page' | 'range';
const LIST_FORMS = {
  page: { open: '[\n', separator: ',\n', close: '\n]\n' },
  range: { open: '[', separator: ',', close: ']' },
} as const;

/** Thrown when an answer of the query API is not of its model: a defect of the target. */
export class TargetAnswerError extends Error {
  override readonly name = 'TargetAnswerError';

  constructor(
    /** Stable. */
    readonly code: string,
    readonly field: string | undefined,
    detail: string,
  ) {
    super(`the query API's answer ${field === undefined ? '' : `(${field}) `}${detail}`);
  }
}

const PageSchema = z.object({
  items: z.array(z.unknown()),
  page: z.object({ next: z.string().startsWith('/v1/').optional() }),
});

/** @throws TargetAnswerError */
export function orderIn(body: Uint8Array, zone: LegacyTimeZone): OrderView {
  return view(jsonIn(body), zone);
}

/** @param items of a page of the query API; what did not come from the legacy system is left out. @throws TargetAnswerError */
export function ordersOf(items: readonly unknown[], zone: LegacyTimeZone): readonly NonNullable<OrderView>[] {
  return items.flatMap((item) => view(item, zone) ?? []);
}

/** Returns the orders as the legacy system would have written them. */
export function renderOrders(orders: readonly NonNullable<OrderView>[], form: AnswerForm): string {
  if (form === 'order') return JSON.stringify(orders[0] ?? null);
  if (orders.length === 0) return '[]';
  const { open, separator, close } = LIST_FORMS[form];
  return `${open}${orders.map((order) => JSON.stringify(order)).join(separator)}${close}`;
}

/** Returns the orders of a page of the query API, and the path of the next one. @throws TargetAnswerError */
export function pageIn(body: Uint8Array): { readonly items: readonly unknown[]; readonly next: string | undefined } {
  const parsed = PageSchema.safeParse(jsonIn(body));
  if (!parsed.success) throw new TargetAnswerError('bad-value', undefined, 'is no page of orders');
  return { items: parsed.data.items, next: parsed.data.page.next };
}

/** Reads an order of the query API. @throws TargetAnswerError */
export function readTargetOrder(value: unknown): Order {
  const read = fromResponse(value);
  if ('order' in read) return read.order;
  throw new TargetAnswerError(read.reason.code, read.reason.field, read.reason.detail);
}

function view(value: unknown, zone: LegacyTimeZone): OrderView {
  const order = readTargetOrder(value);
  return legacyView(order, zone);
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(textOf({ bytes: body }));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new TargetAnswerError('not-json', undefined, `is not JSON: ${error.message}`);
  }
}

const PAGE_SIZE = 1_000;
/** 1,000 orders with every field at its longest are below this. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/** A page of the query API. */
interface TargetPage {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly items: readonly unknown[];
  /** The path of the next page. */
  readonly next: string | undefined;
}

/** The reads of the legacy system's API, answered by the query API. */
export class TargetReads {
  constructor(
    private readonly queryApi: TargetApi,
    private readonly zone: LegacyTimeZone,
  ) {}

  /**
   * Yields the answer as the legacy system would have sent it, in pieces of up to 1,000 orders.
   * @throws SideUnavailableError
   */
  async *answer(read: LegacyRead, signal: AbortSignal): AsyncGenerator<string> {
    const asked = askedOrders(read);
    if ('id' in asked) return yield await this.order(asked.id, signal);
    const { open, separator, close } = LIST_FORMS[read.capability === 'read-by-page' ? 'page' : 'range'];
    let before: string = open;
    for await (const { items } of this.pages(asked, signal)) {
      const orders = this.parse(() => ordersOf(items, this.zone));
      if (orders.length === 0) continue;
      yield before + orders.map((order) => JSON.stringify(order)).join(separator);
      before = separator;
    }
    yield before === open ? '[]' : close;
  }

  /**
   * Yields the bodies of the query API's own answers: none for an unknown id, else one for each page. Parses only what says whether
   * there is a next page: 1,000 orders take milliseconds, in which no client is answered.
   * @throws SideUnavailableError
   */
  async *bodies(read: LegacyRead, signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const asked = askedOrders(read);
    if ('id' in asked) {
      const body = await this.orderBody(asked.id, signal);
      if (body !== undefined) yield body;
    } else if (asked.to - asked.from < PAGE_SIZE) yield await this.pageBody(pathOfNumbers(asked, PAGE_SIZE), signal);
    else for await (const { body } of this.pages(asked, signal)) yield body;
  }

  /**
   * Yields the query API's pages with an interval of legacy numbers. A page is parsed once, because that takes long.
   * @throws SideUnavailableError
   */
  async *pages(numbers: NumberInterval, signal: AbortSignal): AsyncGenerator<TargetPage> {
    let path: string | undefined = pathOfNumbers(numbers, PAGE_SIZE);
    while (path !== undefined) {
      const page = await this.page(path, signal);
      yield page;
      path = page.next;
    }
  }

  /** Returns whether no order has one of these legacy numbers. @throws SideUnavailableError */
  async isEmpty(numbers: NumberInterval, signal: AbortSignal): Promise<boolean> {
    const { items } = await this.page(pathOfNumbers(numbers, 1), signal);
    return items.length === 0;
  }

  private async page(path: string, signal: AbortSignal): Promise<TargetPage> {
    const body = await this.pageBody(path, signal);
    return { body, ...this.parse(() => pageIn(body)) };
  }

  private async pageBody(path: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const body = await this.get(path, signal);
    if (body === undefined) throw new SideUnavailableError('new', 'bad-answer', `${path} responded with 404`);
    return body;
  }

  private async order(id: string, signal: AbortSignal): Promise<string> {
    const body = await this.orderBody(id, signal);
    return JSON.stringify(body === undefined ? null : this.parse(() => orderIn(body, this.zone)));
  }

  /** The target finds an id in upper case too; the legacy system does not, and knows ids of any form. */
  private async orderBody(id: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!isUuid(id) || id !== id.toLowerCase()) return undefined;
    return this.get(`/v1/orders/${id}`, signal);
  }

  /** @returns `undefined` for 404 */
  private async get(path: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { status, bytes } = await this.queryApi.ask({ method: 'GET', path, signal }, MAX_PAGE_BYTES);
    if (status === 200) return bytes;
    if (status === 404) return undefined;
    throw new SideUnavailableError('new', 'bad-answer', `${path} responded with ${status}`);
  }

  private parse<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof TargetAnswerError)) throw error;
      throw new SideUnavailableError('new', 'bad-answer', error.message, { cause: error });
    }
  }
}

function pathOfNumbers({ from, to }: NumberInterval, pageSize: number): string {
  return `/v1/orders?legacyNumber[gte]=${from}&legacyNumber[lte]=${to}&sort=legacyNumber&pageSize=${pageSize}`;
}
