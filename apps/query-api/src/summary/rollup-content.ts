import { moneyToDecimal128, type Money } from '#orders/order/money.js';
import { exactSum } from './exact-sum.js';
import type { OrderRollup, RollupCell } from './order-rollup.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/**
 * Coarser cells are stored only if they are at most a quarter of the finer ones. Otherwise they save too little work for their share of
 * the 16 MiB that a document may have.
 */
const MIN_REDUCTION = 4;

/**
 * Computes the content of a rollup: the given hourly cells, and coarser ones per day and for all times, which answer most requests. For
 * orders of several years, these are a tenth and a hundredth of the hourly cells.
 */
export function rollupContent(cells: readonly RollupCell[]): Omit<OrderRollup, '_id'> {
  const days = coarser(cells, ({ from }) => from && new Date(Math.floor(from.getTime() / DAY_MS) * DAY_MS));
  const undated = coarser(days ?? cells, () => undefined);
  return {
    orders: cells.reduce((sum, { count }) => sum + count.toNumber(), 0),
    cells,
    ...(days && { days }),
    ...(undated && { undated }),
  };
}

type TimeOf = (cell: RollupCell) => Date | undefined;

/** Merges cells into coarser ones. @returns `undefined` if more than a quarter of the cells would remain */
function coarser(cells: readonly RollupCell[], timeOf: TimeOf): RollupCell[] | undefined {
  const sums = new Map<string, { amount: Money; readonly cell: Mutable<RollupCell> }>();
  for (const finer of cells) {
    const { from: _finer, count, quantity, amount, ...kind } = finer;
    const from = timeOf(finer);
    const key = JSON.stringify([from?.getTime(), kind]);
    const sum = sums.get(key);
    if (sum !== undefined) {
      sum.cell.count = sum.cell.count.add(count);
      sum.cell.quantity = sum.cell.quantity.add(quantity);
      sum.amount += exactSum(amount);
    } else if ((sums.size + 1) * MIN_REDUCTION > cells.length) return undefined;
    else sums.set(key, { amount: exactSum(amount), cell: { ...(from && { from }), ...kind, count, quantity, amount } });
  }
  return Array.from(sums.values(), ({ cell, amount }) => ({ ...cell, amount: moneyToDecimal128(amount) }));
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
