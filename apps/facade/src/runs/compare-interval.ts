import { isDeepStrictEqual } from 'node:util';
import type { TranslationReason } from '#legacy/translation/translation-reason.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import { ORDER_FIELDS, type Order } from '#orders/order/order.js';
import type { NumberInterval } from '../sides/side.js';
import type { LegacyRows, VerifiedSides } from './side-readers.js';

/** A field whose values differ: the legacy system's value, and the value that the target would answer in its place. */
interface DifferingField {
  readonly path: string;
  readonly legacy: unknown;
  readonly new: unknown;
}

/**
 * A difference between the two sides, found by comparing all orders with one legacy number.
 * - `missing-in-new`: only the legacy system has the order. `reason` says why it can't be translated, if that is the cause.
 * - `missing-in-legacy`: only the target has it.
 * - `differs`: both have it, with other values.
 * - `doubled`: a side has more than one order with the number.
 * - `unreadable`: the legacy system answered with something that has no number of the page.
 */
export type Difference =
  | {
      readonly kind: 'missing-in-new';
      readonly number: number;
      readonly id: string | null;
      readonly reason?: TranslationReason;
    }
  | { readonly kind: 'missing-in-legacy'; readonly number: number; readonly id: string }
  | {
      readonly kind: 'differs';
      readonly number: number;
      readonly id: string | null;
      readonly fields: readonly DifferingField[];
    }
  | {
      readonly kind: 'doubled';
      readonly number: number;
      readonly side: 'legacy' | 'new';
      readonly ids: readonly (string | null)[];
    }
  | { readonly kind: 'unreadable'; readonly number: null; readonly row: string };

const SHOWN_CHARACTERS = 200;

type Row = Readonly<Record<string, unknown>>;

/** A row of the legacy system, and its position in the answer. */
interface PlacedRow {
  readonly number: number;
  readonly row: Row;
  readonly at: number;
}

/**
 * Compares all orders of an interval of legacy numbers.
 * @param rows what the legacy system has
 * @param orders what the target has, in any order
 * @returns the differences, by number
 */
export function compareInterval(
  { from, to }: NumberInterval,
  rows: LegacyRows,
  orders: readonly Order[],
  zone: LegacyTimeZone,
): readonly Difference[] {
  const differences: Difference[] = [];
  const placed: PlacedRow[] = [];
  for (const [at, row] of rows.comparable.entries()) {
    const number = numberOf(row);
    if (number === undefined || number < from || number > to)
      differences.push({ kind: 'unreadable', number: null, row: JSON.stringify(row).slice(0, SHOWN_CHARACTERS) });
    else placed.push({ number, row: row as Row, at });
  }
  const legacy = Map.groupBy(placed, ({ number }) => number);
  const byLegacyNumber = Map.groupBy(orders, (order) => order.legacy?.number);
  const numbers = [...new Set([...legacy.keys(), ...byLegacyNumber.keys()])].filter((number) => number !== undefined);
  numbers.sort((one, other) => one - other);
  for (const number of numbers) {
    const found = legacy.get(number) ?? [];
    for (const difference of compareNumber(number, found, byLegacyNumber.get(number) ?? [], zone))
      differences.push(withReason(difference, rows.strict()[found[0]?.at ?? -1], zone));
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
 * Adds why an order of the legacy system is not on the target, if it has no exact translation.
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

/** What differed in the first reading of an interval, by `subject`. */
export type Suspects = ReadonlyMap<string, number | null>;

/** What was found in an interval of numbers. */
export interface IntervalFinding {
  readonly interval: NumberInterval;
  readonly orders: { readonly legacy: number; readonly new: number };
  /** The differences that were there in both readings. */
  readonly differences: readonly Difference[];
  /** Admitted writes of these suspects are still open: they must be checked again. Absent: the finding is final. */
  readonly open?: Suspects;
}

/**
 * Compares both sides in an interval of legacy numbers.
 *
 * The two sides are read one after the other, so that a write between the reads looks like a difference. Therefore a difference counts
 * only if its number differs again in a second reading that began after its write was on both sides. Later writes of other numbers
 * don't matter: where clients write all the time, some are always open.
 * @param suspects what the first reading found, if it was made already
 */
export async function checkInterval(
  interval: NumberInterval,
  sides: VerifiedSides,
  zone: LegacyTimeZone,
  signal: AbortSignal,
  suspects?: Suspects,
): Promise<IntervalFinding> {
  const read = async (): Promise<Omit<IntervalFinding, 'interval' | 'open'>> => {
    const [rows, orders] = await Promise.all([sides.legacy(interval, signal), sides.target(interval, signal)]);
    const counts = { legacy: rows.comparable.length, new: orders.length };
    return { orders: counts, differences: compareInterval(interval, rows, orders, zone) };
  };
  let before = suspects;
  if (before === undefined) {
    const first = await read();
    if (first.differences.length === 0) return { interval, ...first };
    before = new Map(first.differences.map((difference) => [subject(difference), difference.number]));
  }
  const open = await sides.openNumbers(interval);
  if ([...before.values()].some((number) => number !== null && open.has(number)))
    return { interval, orders: { legacy: 0, new: 0 }, differences: [], open: before };
  const second = await read();
  const known = before;
  const lasting = second.differences.filter((difference) => known.has(subject(difference)));
  return { interval, orders: second.orders, differences: lasting };
}

/** Returns the finding of an interval without an order on either side. */
export function nothingIn(interval: NumberInterval): IntervalFinding {
  return { interval, orders: { legacy: 0, new: 0 }, differences: [] };
}

/** Whether an interval has no order on either side, and no open write. */
export function isNothing({ orders, differences, open }: IntervalFinding): boolean {
  return orders.legacy === 0 && orders.new === 0 && differences.length === 0 && open === undefined;
}

function subject(difference: Difference): string {
  return difference.kind === 'unreadable' ? difference.row : String(difference.number);
}
