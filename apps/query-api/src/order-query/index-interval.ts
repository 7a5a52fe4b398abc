import { Long, MaxKey, MinKey, type Document } from 'mongodb';
import { moneyToDecimal128 } from '#orders/order/money.js';
import { type Bound, type Equality, type OrderQuery, type SortField, type SortValue, indexOf } from './order-query.js';

/** The position of an order in an order query: its sort value, and its number, which breaks ties. */
export interface Position {
  readonly value: SortValue;
  readonly number: number;
}

/** Where cursor pagination continues: after the order at this position, up or down the index. */
export interface StartAfter {
  readonly position: Position;
  readonly direction: 1 | -1;
}

/**
 * The range of one index that answers an order query: from `min` (inclusive) to `max` (exclusive).
 *
 * MongoDB gets the keys directly (`min` and `max` of the find command), not as a filter. In a filter, a cursor position would be an
 * `$or` of two conditions, which the planner may turn into a filter over all orders of one millisecond or account.
 */
export interface IndexInterval {
  readonly index: string;
  readonly min: Document;
  readonly max: Document;
}

/** One end of an interval. Without a value, it lies before the first or after the last order of all. */
interface Edge {
  readonly value: SortValue | undefined;
  /** Among orders with this value, those with this number or a higher one lie after the edge. */
  readonly tie: number;
}

/**
 * Returns the index range of an order query, or of the rest of it after a position.
 * @returns `undefined` for an empty range, which MongoDB would reject
 */
export function indexInterval(orderQuery: OrderQuery, startAfter?: StartAfter): IndexInterval | undefined {
  const { from, to } = orderQuery.range;
  const min = startAfter?.direction === 1 ? edgeAt(startAfter.position, 1) : edgeOf(from, from?.inclusive ?? true);
  const max = startAfter?.direction === -1 ? edgeAt(startAfter.position, 0) : edgeOf(to, !(to?.inclusive ?? true));
  if (isEmpty(orderQuery, min, max)) return undefined;
  return {
    index: indexOf(orderQuery),
    min: indexKey(orderQuery, min, LOWEST),
    max: indexKey(orderQuery, max, HIGHEST),
  };
}

function edgeAt({ value, number }: Position, behind: 0 | 1): Edge {
  return { value, tie: number + behind };
}

function edgeOf(bound: Bound | undefined, isBelowTies: boolean): Edge {
  return { value: bound?.value, tie: isBelowTies ? -Infinity : Infinity };
}

function isEmpty(orderQuery: OrderQuery, min: Edge, max: Edge): boolean {
  if (min.value === undefined || max.value === undefined) return false;
  if (orderQuery.sort.field === 'number') return numberAt(min) >= numberAt(max);
  // `===` compares Date objects by identity, so compare their primitive values.
  const [low, high] = [min.value.valueOf(), max.value.valueOf()];
  return low > high || (low === high && min.tie >= max.tie);
}

/** Returns the first number after an edge of a query sorted by `number`, which has no ties. */
function numberAt({ value, tie }: Edge): number {
  if (Number.isFinite(tie)) return tie;
  return Number(value) + (tie === Infinity ? 1 : 0);
}

const LOWEST = new MinKey();
const HIGHEST = new MaxKey();

/** Builds an index key; its fields must be in the order of the index. */
function indexKey({ equality, sort }: OrderQuery, edge: Edge, open: MinKey | MaxKey): Document {
  const prefix = equality && { [pathOf(equality.field)]: keyValue(equality.value) };
  if (edge.value === undefined)
    return { ...prefix, [pathOf(sort.field)]: open, ...(sort.field !== 'number' && { number: open }) };
  if (sort.field === 'number') return { ...prefix, number: keyValue(numberAt(edge)) };
  return { ...prefix, [pathOf(sort.field)]: keyValue(edge.value), number: tieKey(edge.tie) };
}

function tieKey(tie: number): unknown {
  if (Number.isFinite(tie)) return keyValue(tie);
  return tie < 0 ? LOWEST : HIGHEST;
}

/** Returns an order query as a filter with the same bounds on the same index, for commands without `min` and `max`, such as `count`. */
export function filterOf({ equality, range: { from, to }, sort }: OrderQuery): Document {
  const bounds = {
    ...(from && { [from.inclusive ? '$gte' : '$gt']: keyValue(from.value) }),
    ...(to && { [to.inclusive ? '$lte' : '$lt']: keyValue(to.value) }),
  };
  return {
    ...(equality && { [pathOf(equality.field)]: keyValue(equality.value) }),
    // The index is partial: without this, MongoDB can't use it.
    ...(sort.field === 'legacyNumber' && { [pathOf(sort.field)]: { $exists: true } }),
    ...(Object.keys(bounds).length > 0 && { [pathOf(sort.field)]: bounds }),
  };
}

function pathOf(field: Equality['field'] | SortField): string {
  return field === 'legacyNumber' ? 'legacy.number' : field;
}

function keyValue(value: SortValue | string): unknown {
  if (typeof value === 'number') return Long.fromNumber(value);
  return typeof value === 'bigint' ? moneyToDecimal128(value) : value;
}
