import { INTERVAL_NUMBERS, type NumberInterval } from './number-interval.js';

/** A read of the legacy system's API. */
export type LegacyRead =
  | { readonly capability: 'read-by-id'; readonly id: string }
  | { readonly capability: 'read-by-page'; readonly page: number }
  | { readonly capability: 'read-by-range'; readonly start: number; readonly end: number };

/** The orders that a read may return: one id, or the legacy numbers of an interval, both ends included. */
export type AskedOrders = { readonly id: string } | NumberInterval;

/** Returns the orders that a read may return. */
export function askedOrders(read: LegacyRead): AskedOrders {
  if (read.capability === 'read-by-id') return { id: read.id };
  if (read.capability === 'read-by-range') return { from: read.start, to: read.end };
  return { from: (read.page - 1) * INTERVAL_NUMBERS + 1, to: read.page * INTERVAL_NUMBERS };
}

/** Returns the key whose bucket decides about a read: what is asked for. */
export function readKey(read: LegacyRead): string {
  if (read.capability === 'read-by-id') return read.id;
  return `${read.capability}:${askedFrom(read)}`;
}

function askedFrom(read: Exclude<LegacyRead, { capability: 'read-by-id' }>): number {
  return read.capability === 'read-by-page' ? read.page : read.start;
}
