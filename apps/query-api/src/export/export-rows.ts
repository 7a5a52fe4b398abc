import type { OrderResponse } from '#orders/order/order-response.js';
import { ORDER_FIELDS } from '#orders/order/order.js';

/** Formats one order as a line of JSON. */
export function ndjsonLine(order: OrderResponse): string {
  return `${JSON.stringify(order)}\n`;
}

export const CSV_HEADER = `${[...ORDER_FIELDS, 'legacyNumber', 'legacyFilled'].join(',')}\r\n`;

/** Formats one order as a CSV record (RFC 4180). Values are not changed, not even those that a spreadsheet would run as a formula. */
export function csvLine(order: OrderResponse): string {
  const legacy = [order.legacy?.number ?? '', order.legacy?.filled.join(' ') ?? ''];
  return `${[...ORDER_FIELDS.map((column) => order[column]), ...legacy].map(csvField).join(',')}\r\n`;
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Formats orders as a file of the legacy system: a JSON array with one order per line. */
export function legacyChunk(orders: readonly OrderResponse[]): string {
  return `[\n${orders.map((order) => JSON.stringify(order)).join(',\n')}\n]\n`;
}
