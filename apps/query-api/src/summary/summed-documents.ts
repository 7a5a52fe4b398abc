import type { Document } from 'mongodb';
import { filterOf } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import { indexOf } from '../order-query/supported-order-queries.js';
import { rangeOf } from '../order-query/sort-range.js';
import { CELL_FIGURES, ORDER_FIGURES } from './figures.js';
import type { SummaryRequest } from './summary-query.js';
import { sumStages } from './summary-sums.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Returns the pipeline that sums up the matching cells of the rollups. */
export function sumOfCells(request: SummaryRequest): Document[] {
  const { gte, lt } = request.createdAt ?? {};
  const from = { ...(gte && { $gte: gte }), ...(lt && { $lt: lt }) };
  const conditions = { ...equalities(request), ...(Object.keys(from).length > 0 && { from }) };
  const isFiltered = Object.keys(conditions).length > 0;
  return [
    // Skips blocks without a matching cell before they are unwound.
    ...(isFiltered ? [{ $match: { cells: { $elemMatch: conditions } } }] : []),
    { $project: { cells: coarsest(request) } },
    { $unwind: '$cells' },
    ...(isFiltered ? [{ $match: inCells(conditions) }] : []),
    ...sumStages(CELL_FIGURES, request),
  ];
}

/** Returns the coarsest cells with enough detail for the request; where a block has none, the next finer ones. */
function coarsest({ groupBy: { bucket }, createdAt: { gte, lt } = {} }: SummaryRequest): Document | 1 {
  const bounds = [gte, lt].filter((bound) => bound !== undefined);
  if (bucket === 'hour' || bounds.some((bound) => bound.getTime() % DAY_MS !== 0)) return 1;
  if (bucket !== undefined || bounds.length > 0) return { $ifNull: ['$days', '$cells'] };
  return { $ifNull: ['$undated', '$days', '$cells'] };
}

/** Returns the pipeline over the orders of one account, and the index to use. */
export function sumOfAccount(request: SummaryRequest, accountId: string): { pipeline: Document[]; hint: string } {
  const orderQuery: OrderQuery = {
    equality: { field: 'accountId', value: accountId },
    range: rangeOf(request.createdAt ?? {}),
    sort: { field: 'createdAt', descending: false },
  };
  const pipeline = [
    { $match: { ...filterOf(orderQuery), ...equalities(request) } },
    ...sumStages(ORDER_FIGURES, request),
  ];
  return { pipeline, hint: indexOf(orderQuery) };
}

function equalities({ currency, side, symbol }: SummaryRequest): Document {
  return {
    ...(currency !== undefined && { currency }),
    ...(side !== undefined && { side }),
    ...(symbol !== undefined && { symbol }),
  };
}

function inCells(conditions: Document): Document {
  return Object.fromEntries(Object.entries(conditions).map(([field, condition]) => [`cells.${field}`, condition]));
}
