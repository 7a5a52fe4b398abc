import { z } from 'zod';

/** Returns a moment as the local time of this process (`TZ`), without a zone: `2026-01-31T12:00:00.000`. */
export function localTime(milliseconds: number): string {
  const ahead = -new Date(milliseconds).getTimezoneOffset() * 60_000;
  return new Date(milliseconds + ahead).toISOString().slice(0, -1);
}

/** Matches a local time, with or without milliseconds. */
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?$/;

/** Returns a local time with milliseconds; `undefined` for anything else. It doesn't know whether clocks ever show that time. */
function readLocalTime(text: string): string | undefined {
  if (!LOCAL_TIME.test(text)) return undefined;
  const full = text.includes('.') ? text : `${text}.000`;
  const date = new Date(`${full}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString() === `${full}Z` ? full : undefined;
}

/** The largest order number. */
export const MAX_NUMBER = 1_000_000_000;

/** The body of `POST /orders`. Money is a float of any precision, and an `amount` that is given is believed. */
export const OrderRequestSchema = z.strictObject({
  id: z.string().min(1).max(64).optional(),
  number: z.int().min(1).max(MAX_NUMBER).optional(),
  accountId: z.string().min(1).max(64),
  side: z.enum(['buy', 'sell']),
  symbol: z.string().min(1).max(32),
  quantity: z.int().min(1).max(10_000),
  price: z.number().positive().lt(1e14),
  amount: z.number().positive().lt(1e18).optional(),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters'),
  createdAt: z
    .string()
    .transform((text, context) => {
      const read = readLocalTime(text);
      if (read === undefined) context.addIssue('must be a local time such as 2026-01-31T12:00:00.000');
      return read ?? '';
    })
    .optional(),
});

export type OrderRequest = z.infer<typeof OrderRequestSchema>;

/** An order as it is stored and answered, in the order of its fields. */
export type LegacyOrder = { readonly [name in keyof OrderRequest]-?: NonNullable<OrderRequest[name]> };

/** Returns the order of a request, with what the legacy system assigns where the client has given nothing. */
export function completeOrder(
  request: OrderRequest,
  assigned: Pick<LegacyOrder, 'id' | 'number' | 'createdAt'>,
): LegacyOrder {
  return {
    id: request.id ?? assigned.id,
    number: request.number ?? assigned.number,
    accountId: request.accountId,
    side: request.side,
    symbol: request.symbol,
    quantity: request.quantity,
    price: request.price,
    amount: request.amount ?? rounded(request.quantity * request.price),
    currency: request.currency,
    createdAt: request.createdAt ?? assigned.createdAt,
  };
}

/** Returns the fields in which a request differs from a stored order. What the request leaves out doesn't count. */
export function differingFields(request: OrderRequest, stored: LegacyOrder): string[] {
  const names = Object.keys(request) as (keyof OrderRequest)[];
  return names.filter((name) => request[name] !== undefined && request[name] !== stored[name]);
}

/** Rounds to four decimals, as far as a float can. */
export function rounded(value: number): number {
  return Number(value.toFixed(4));
}
