import { Long, MaxKey, MinKey, type Document } from 'mongodb';
import { moneyToDecimal128 } from '#orders/money.js';
import type { Bound, Equality, OrderQuery, SortValue } from './order-query.js';
import { indexOf } from './supported-order-queries.js';

/** An order's place within an order query: the value it is sorted by, and its number, which breaks every tie. */
export interface Position {
  readonly value: SortValue;
  readonly number: number;
}

/** Where a walk goes on: beyond the order at this place, up or down the index. */
export interface Beyond {
  readonly position: Position;
  readonly direction: 1 | -1;
}

/**
 * The stretch of one index that answers an order query: from `min`, which belongs to it, to `max`, which doesn't.
 *
 * The keys are given to MongoDB as they are (`min` and `max` of the find command) rather than as a filter: a place in a walk would
 * be an `$or` of two conditions there, which the planner may turn into a filter over all orders of one millisecond or account.
 */
export interface IndexInterval {
  readonly index: string;
  readonly min: Document;
  readonly max: Document;
}

/** An end of an interval, before the first or behind the last order of all where it has no value. */
interface Edge {
  readonly value: SortValue | undefined;
  /** Which of the orders with that value stand behind it: those with this number and higher ones. */
  readonly tie: number;
}

/** @returns `undefined` where nothing can stand, which MongoDB would refuse to look at */
export function indexInterval(orderQuery: OrderQuery, beyond?: Beyond): IndexInterval | undefined {
  const { from, to } = orderQuery.range;
  const min = beyond?.direction === 1 ? edgeAt(beyond.position, 1) : edgeOf(from, from?.inclusive ?? true);
  const max = beyond?.direction === -1 ? edgeAt(beyond.position, 0) : edgeOf(to, !(to?.inclusive ?? true));
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
  // Dates are equal to none but themselves.
  const [low, high] = [min.value.valueOf(), max.value.valueOf()];
  return low > high || (low === high && min.tie >= max.tie);
}

/** Of an edge by `number`, which has no ties: the first number behind it. */
function numberAt({ value, tie }: Edge): number {
  if (Number.isFinite(tie)) return tie;
  return Number(value) + (tie === Infinity ? 1 : 0);
}

const LOWEST = new MinKey();
const HIGHEST = new MaxKey();

/** The fields stand in the order of the index. */
function indexKey({ equality, sort }: OrderQuery, edge: Edge, open: MinKey | MaxKey): Document {
  const prefix = equality && { [fieldOf(equality)]: keyValue(equality.value) };
  if (edge.value === undefined)
    return { ...prefix, [sort.field]: open, ...(sort.field !== 'number' && { number: open }) };
  if (sort.field === 'number') return { ...prefix, number: keyValue(numberAt(edge)) };
  return { ...prefix, [sort.field]: keyValue(edge.value), number: tieKey(edge.tie) };
}

function tieKey(tie: number): unknown {
  if (Number.isFinite(tie)) return keyValue(tie);
  return tie < 0 ? LOWEST : HIGHEST;
}

/** An order query as a filter, for what can't be asked by an interval, such as a count: it has the same bounds on the same index. */
export function filterOf({ equality, range: { from, to }, sort }: OrderQuery): Document {
  const bounds = {
    ...(from && { [from.inclusive ? '$gte' : '$gt']: keyValue(from.value) }),
    ...(to && { [to.inclusive ? '$lte' : '$lt']: keyValue(to.value) }),
  };
  return {
    ...(equality && { [fieldOf(equality)]: keyValue(equality.value) }),
    ...(Object.keys(bounds).length > 0 && { [sort.field]: bounds }),
  };
}

function fieldOf({ field }: Equality): string {
  return field === 'legacyNumber' ? 'legacy.number' : field;
}

function keyValue(value: SortValue | string): unknown {
  if (typeof value === 'number') return Long.fromNumber(value);
  return typeof value === 'bigint' ? moneyToDecimal128(value) : value;
}
