import type { OrderResponse } from '#orders/order/order-response.js';
import { ORDER_FIELDS } from '#orders/order/order.js';

/** Formats one order as a line of JSON. */
export function ndjsonLine(order: OrderResponse): string {
  return `${JSON.stringify(order)}\n`;
}

export const CSV_HEADER = `${[...ORDER_FIELDS, 'legacyNumber', 'legacyFilled'].join(',')}\r\n`;

/**
 * Formats one order as a CSV record (RFC 4180) that is safe to open in a spreadsheet: see `withoutFormula`. Only `accountId` and
 * `symbol` can hold such texts; numbers and amounts stay numbers.
 */
export function csvLine(order: OrderResponse): string {
  const legacy = [order.legacy?.number ?? '', order.legacy?.filled.join(' ') ?? ''];
  const safe = { ...order, accountId: withoutFormula(order.accountId), symbol: withoutFormula(order.symbol) };
  return `${[...ORDER_FIELDS.map((column) => safe[column]), ...legacy].map(csvField).join(',')}\r\n`;
}

/** Where a cell begins: in many countries a spreadsheet also splits at semicolons. The wide characters are those of East Asian texts. */
const FORMULA = /(?<=^|[;\t\r\n])(?=[=+\-@＝＋－＠\t\r'])/g;

/**
 * Puts an apostrophe before a text that a spreadsheet would run as a formula (OWASP, "CSV injection"), and before an apostrophe, so that
 * the exact text can be restored: remove one apostrophe at the begin and after each semicolon.
 */
function withoutFormula(text: string): string {
  return text.replaceAll(FORMULA, "'");
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Formats orders as a file of the legacy system: a JSON array with one order per line. */
export function legacyChunk(orders: readonly OrderResponse[]): string {
  return `[\n${orders.map((order) => JSON.stringify(order)).join(',\n')}\n]\n`;
}
