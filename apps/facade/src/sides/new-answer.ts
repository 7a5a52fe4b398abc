import { z } from 'zod';
import { fromResponse } from '#legacy/translation/api-order.js';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';

/** What the legacy system would have answered for one order; `null` if it has no such order. */
export type OrderView = Partial<LegacyRecord> | null;

/** How the legacy system writes its answers: a page is its file, which has one order on a line. */
export type AnswerForm = 'order' | 'page' | 'range';
export const LIST_FORMS = {
  page: { open: '[\n', separator: ',\n', close: '\n]\n' },
  range: { open: '[', separator: ',', close: ']' },
} as const;

/** Thrown when an answer of the query API is not of its model: a defect of the new side. */
export class NewAnswerError extends Error {
  override readonly name = 'NewAnswerError';

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

/** @throws NewAnswerError */
export function orderIn(body: Uint8Array, zone: LegacyTimeZone): OrderView {
  return view(jsonIn(body), zone);
}

/** @param items of a page of the query API; what did not come from the legacy system is left out. @throws NewAnswerError */
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

/** Returns the orders of a page of the query API, and the path of the next one. @throws NewAnswerError */
export function pageIn(body: Uint8Array): { readonly items: readonly unknown[]; readonly next: string | undefined } {
  const parsed = PageSchema.safeParse(jsonIn(body));
  if (!parsed.success) throw new NewAnswerError('bad-value', undefined, 'is no page of orders');
  return { items: parsed.data.items, next: parsed.data.page.next };
}

function view(value: unknown, zone: LegacyTimeZone): OrderView {
  const read = fromResponse(value);
  if ('order' in read) return legacyView(read.order, zone);
  throw new NewAnswerError(read.reason.code, read.reason.field, read.reason.detail);
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new NewAnswerError('not-json', undefined, `is not JSON: ${error.message}`);
  }
}
