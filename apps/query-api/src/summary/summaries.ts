import { type Decimal128, type Document, MongoServerError, type AggregationCursor } from 'mongodb';
import { HttpStatus, Injectable } from '@nestjs/common';
import type { Side } from '#orders/order/order.js';
import { formatMoney, moneyFromDecimal128 } from '#orders/order/money.js';
import { Problem } from '#service/http/problem.js';
import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';
import { filterOf } from '../order-query/index-interval.js';
import { rangeOf } from '../order-query/order-query-parameters.js';
import { CELL_SUMS, ORDER_TO_CELL, rollupsCollection } from './order-rollups.js';
import type { SummaryRequest, Summary } from './summary-request.js';
import { RollupKeeper } from './rollup-keeper.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The limit of groups. For comparison: one day per hour, by all symbols and sides, has fewer than 1,000. */
export const MAX_GROUPS = 10_000;

/** A group; or, with the key `null`, all excluded orders. */
export interface SumRow {
  readonly _id: {
    readonly currency: string;
    readonly side?: Side;
    readonly symbol?: string;
    readonly from?: Date;
  } | null;
  readonly count: number;
  readonly quantity: number;
  readonly amount: Decimal128;
}

/** Returns the pipeline that sums up the matching cells of the rollups. */
export function sumOfRollups(request: SummaryRequest): Document[] {
  const unit = coarsestUnit(request);
  const conditions = conditionsOf(request);
  return [
    // Skips blocks without a matching cell before they are unwound.
    { $match: { [unit]: { $elemMatch: conditions } } },
    { $project: { cells: `$${unit}` } },
    { $unwind: '$cells' },
    { $replaceWith: '$cells' },
    { $match: conditions },
    ...sumStages(request),
  ];
}

/** Returns the pipeline that sums up the orders of one account. The index for it is `accountId_createdAt_number`. */
export function sumOfOrders(request: SummaryRequest): Document[] {
  return [{ $match: conditionsOf(request) }, ORDER_TO_CELL, ...sumStages(request)];
}

/** Returns the coarsest cells with enough detail for the request: there are a tenth as many per day as per hour, and far fewer for all times. */
function coarsestUnit({ groupBy: { bucket }, createdAt: { gte, lt } = {} }: SummaryRequest): 'all' | 'day' | 'hour' {
  const bounds = [gte, lt].filter((bound) => bound !== undefined);
  if (bucket === 'hour' || bounds.some((bound) => bound.getTime() % DAY_MS !== 0)) return 'hour';
  return bucket === undefined && bounds.length === 0 ? 'all' : 'day';
}

function conditionsOf({ accountId, createdAt, currency, side, symbol }: SummaryRequest): Document {
  return {
    ...filterOf({
      equality: accountId === undefined ? undefined : { field: 'accountId', value: accountId },
      range: rangeOf(createdAt ?? {}),
      sort: { field: 'createdAt', descending: false },
    }),
    ...(currency !== undefined && { currency }),
    ...(side !== undefined && { side }),
    ...(symbol !== undefined && { symbol }),
  };
}

/**
 * Returns the stages that sum up cells. They emit the excluded orders first, if there are any, then the groups in the order of their
 * keys, up to one more than the limit.
 */
function sumStages({ groupBy: { side, symbol, bucket }, includeFilled }: SummaryRequest): Document[] {
  const key = {
    currency: '$currency',
    ...(side && { side: '$side' }),
    ...(symbol && { symbol: '$symbol' }),
    ...(bucket && { from: { $dateTrunc: { date: '$createdAt', unit: bucket } } }),
  };
  return [
    { $group: { _id: includeFilled ? key : { ...key, filled: '$filled' }, ...CELL_SUMS } },
    ...(includeFilled ? [] : [EXCLUDE_FILLED]),
    // `null` sorts before any key.
    { $sort: { _id: 1 } },
    { $limit: 1 + MAX_GROUPS + 1 },
  ];
}

/** Merges the groups of excluded orders into one row, of which only the count is meaningful. */
const EXCLUDE_FILLED: Document = {
  $group: {
    _id: { $cond: ['$_id.filled', null, '$_id'] },
    count: { $sum: '$count' },
    quantity: { $first: '$quantity' },
    amount: { $first: '$amount' },
  },
};

/**
 * Creates the response from the rows of the aggregation.
 * @throws Problem 400 `too-many-groups` for more than 10,000 groups
 */
export function summaryOf(rows: readonly SumRow[], through: number): Summary {
  const groups = rows.flatMap(groupOf);
  if (groups.length > MAX_GROUPS) throw tooManyGroups();
  const excludedFilled = rows.find(({ _id }) => _id === null)?.count ?? 0;
  return {
    groups,
    total: { count: groups.reduce((sum, group) => sum + group.count, 0) },
    excludedFilled,
    through,
  };
}

function groupOf({ _id: key, count: orders, quantity, amount }: SumRow): Summary['groups'] {
  if (key === null) return [];
  const { currency, side, symbol, from } = key;
  return [
    {
      currency,
      ...(side !== undefined && { side }),
      ...(symbol !== undefined && { symbol }),
      ...(from !== undefined && { from: from.toISOString() }),
      count: orders,
      quantity,
      amount: formatMoney(moneyFromDecimal128(amount)),
    },
  ];
}

/** Creates the 400 problem of a summary with too many groups, which costs too much and is of little use. */
function tooManyGroups(): Problem {
  return new Problem(
    HttpStatus.BAD_REQUEST,
    'too-many-groups',
    `There are more than ${MAX_GROUPS} groups. Filter the orders, use fewer dimensions in \`groupBy\`, or use a larger time bucket.`,
  );
}

const MAX_TIME_MS_EXPIRED = 50;
const MEMORY_LIMIT_EXCEEDED = 292;
/** An aggregation that exceeds 100 MB of memory has hundreds of thousands of groups, so it is rejected instead of using the disk. */
const IN_MEMORY = { maxTimeMS: timeLimit(5_000), allowDiskUse: false, batchSize: MAX_GROUPS + 3 };

/** Sums up the saved orders: those of all accounts from the rollups, those of one account from its orders. */
@Injectable()
export class Summaries {
  constructor(
    private readonly mongo: Mongo,
    private readonly keeper: RollupKeeper,
  ) {}

  /**
   * Returns figures that include each order that was saved before the call.
   * @throws Problem 400 `too-many-groups`; 503 `summary-being-prepared`; 503 `summary-takes-too-long` after five seconds
   */
  async of(request: SummaryRequest): Promise<Summary> {
    const { db } = this.mongo;
    if (request.accountId === undefined) {
      const through = await this.keeper.through();
      const sums = rollupsCollection(db).aggregate<SumRow>(sumOfRollups(request), IN_MEMORY);
      return summaryOf(await rowsOf(sums), through);
    }
    const through = await highestReservedNumber(db);
    const options = { ...IN_MEMORY, hint: 'accountId_createdAt_number' };
    return summaryOf(await rowsOf(ordersCollection(db).aggregate<SumRow>(sumOfOrders(request), options)), through);
  }
}

async function rowsOf(cursor: AggregationCursor<SumRow>): Promise<SumRow[]> {
  try {
    return await cursor.toArray();
  } catch (error) {
    const code = error instanceof MongoServerError ? error.code : undefined;
    if (code === MEMORY_LIMIT_EXCEEDED) throw tooManyGroups();
    if (code === MAX_TIME_MS_EXPIRED) throw takesTooLong();
    throw error;
  }
}

function takesTooLong(): Problem {
  return new Problem(
    HttpStatus.SERVICE_UNAVAILABLE,
    'summary-takes-too-long',
    'The summary took longer than 5 s. Use a smaller range of `createdAt`, or retry.',
  );
}
