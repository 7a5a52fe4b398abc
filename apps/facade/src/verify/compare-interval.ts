import { isDeepStrictEqual } from 'node:util';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import { ORDER_FIELDS, type Order } from '#orders/order/order.js';
import type { Difference, DifferingField } from './difference.js';
import type { NumberInterval } from '../sides/number-interval.js';
import type { LegacyRows } from './legacy-rows.js';

const SHOWN_CHARACTERS = 200;

type Row = Readonly<Record<string, unknown>>;

/** A row of the legacy system, and its position in the answer. */
interface PlacedRow {
  readonly row: Row;
  readonly at: number;
}

/**
 * Compares all orders of an interval of legacy numbers.
 * @param rows what the legacy system has
 * @param orders what the new side has, in any order
 * @returns the differences, by number
 */
export function compareInterval(
  { from, to }: NumberInterval,
  rows: LegacyRows,
  orders: readonly Order[],
  zone: LegacyTimeZone,
): readonly Difference[] {
  const differences: Difference[] = [];
  const legacy = new Map<number, PlacedRow[]>();
  for (const [at, row] of rows.comparable.entries()) {
    const number = numberOf(row);
    if (number === undefined || number < from || number > to)
      differences.push({ kind: 'unreadable', number: null, row: JSON.stringify(row).slice(0, SHOWN_CHARACTERS) });
    else push(legacy, number, { row: row as Row, at });
  }
  const created = new Map<number, Order[]>();
  for (const order of orders) if (order.legacy !== undefined) push(created, order.legacy.number, order);
  const numbers = [...new Set([...legacy.keys(), ...created.keys()])].toSorted((one, other) => one - other);
  for (const number of numbers) {
    const placed = legacy.get(number) ?? [];
    const found = compareNumber(number, placed, created.get(number) ?? [], zone);
    for (const difference of found) differences.push(withReason(difference, rows.strict()[placed[0]?.at ?? -1], zone));
  }
  return differences;
}

function compareNumber(
  number: number,
  rows: readonly PlacedRow[],
  orders: readonly Order[],
  zone: LegacyTimeZone,
): readonly Difference[] {
  if (rows.length > 1) return [{ kind: 'doubled', number, side: 'legacy', ids: rows.map(({ row }) => idOf(row)) }];
  if (orders.length > 1) return [{ kind: 'doubled', number, side: 'new', ids: orders.map(({ id }) => id) }];
  const row = rows[0]?.row;
  const [order] = orders;
  if (order === undefined) return [{ kind: 'missing-in-new', number, id: row ? idOf(row) : null }];
  if (row === undefined) return [{ kind: 'missing-in-legacy', number, id: order.id }];
  const expected = legacyView(order, zone) as Row;
  if (isDeepStrictEqual(row, expected)) return [];
  return [{ kind: 'differs', number, id: idOf(row), fields: differingFields(row, expected) }];
}

function differingFields(row: Row, expected: Row): readonly DifferingField[] {
  const names = new Set<string>([...ORDER_FIELDS, ...Object.keys(row)]);
  return [...names]
    .filter((name) => !isDeepStrictEqual(row[name], expected[name]))
    .map((path) => ({ path, legacy: row[path], new: expected[path] }));
}

/**
 * Adds why an order of the legacy system is not on the new side, if it has no exact translation.
 * @param strict its row, in the form of `parseStrictJson`
 */
function withReason(difference: Difference, strict: unknown, zone: LegacyTimeZone): Difference {
  if (difference.kind !== 'missing-in-new') return difference;
  const translated = fromLegacy(strict, zone);
  return 'reason' in translated ? { ...difference, reason: translated.reason } : difference;
}

function numberOf(row: unknown): number | undefined {
  if (typeof row !== 'object' || row === null || !('number' in row)) return undefined;
  return Number.isSafeInteger(row.number) ? (row.number as number) : undefined;
}

function idOf(row: Row): string | null {
  return typeof row['id'] === 'string' ? row['id'] : null;
}

function push<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
