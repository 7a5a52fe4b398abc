import { parseStrictJson } from '#legacy/json/strict-json.js';
import { legacyOrder } from '#legacy/row/legacy-order.js';
import { orderGenerator } from '#orders/generator/generator.js';
import type { Order } from '#orders/order/order.js';
import { wholeRow } from '../../apps/query-api/src/summary/testing/some-orders.js';
import { legacyPairs } from '../support/imports.js';
import type { RunningQueryApi } from '../support/running-query-api.js';

/** A query API, and all orders that it has. */
export interface QueriedApi {
  readonly api: RunningQueryApi;
  readonly all: readonly Order[];
}

/** When the first of the orders within one second was created. */
export const FROM = new Date('2026-01-31T12:00:00Z');

/** Returns the orders of which the specs of queries know every field, numbered from 1. */
export function queriedOrders(): Order[] {
  return [
    // Several per millisecond, so that ties must be broken.
    ...generated(2_500, FROM, new Date(FROM.getTime() + 1_000)),
    // Two legacy systems with the same numbers, whose rows have ids only, so that all other fields are filled.
    ...legacyPairs(40).map(read),
    ...legacyPairs(40).map(read),
    ...legacyPairs(30, 100).map(wholeRow).map(read),
    // Parts of months, days and hours.
    ...generated(3_000, new Date('2026-01-30T22:30:00Z'), new Date('2026-02-03T03:10:00Z')),
  ].map((order, at) => Object.assign(order, { number: at + 1 }));
}

function generated(count: number, from: Date, to: Date): Omit<Order, 'number'>[] {
  const orderAt = orderGenerator({
    operationId: crypto.randomUUID(),
    seed: 5,
    count,
    firstNumber: 1,
    accounts: 20,
    from,
    to,
  });
  return Array.from({ length: count }, (_, index) => orderAt(index));
}

/** Reads a row of a legacy file as an import does. */
function read(row: object): Omit<Order, 'number'> {
  const parsed = parseStrictJson(JSON.stringify(row));
  const result = legacyOrder('value' in parsed ? parsed.value : parsed.fault);
  if ('reason' in result) throw new Error(JSON.stringify(result.reason));
  return result.order;
}
