import type { OrderResponse } from '#orders/order-response.js';

/** One order as a line of JSON. */
export function ndjsonLine(order: OrderResponse): string {
  return `${JSON.stringify(order)}\n`;
}

const COLUMNS = [
  'id',
  'number',
  'accountId',
  'side',
  'symbol',
  'quantity',
  'price',
  'amount',
  'currency',
  'createdAt',
] as const;

export const CSV_HEADER = `${[...COLUMNS, 'legacyNumber', 'legacyFilled'].join(',')}\r\n`;

/** One order as a record of RFC 4180: the values as they are, also those that a spreadsheet would take for a formula. */
export function csvLine(order: OrderResponse): string {
  const legacy = [order.legacy?.number ?? '', order.legacy?.filled.join(' ') ?? ''];
  return `${[...COLUMNS.map((column) => order[column]), ...legacy].map(csvField).join(',')}\r\n`;
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Orders as a file of the legacy system: a JSON array, an order a line. */
export function legacyChunk(orders: readonly OrderResponse[]): string {
  return `[\n${orders.map((order) => JSON.stringify(order)).join(',\n')}\n]\n`;
}
