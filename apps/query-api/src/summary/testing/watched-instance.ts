import { systemClock } from '@orders-pipeline/clock';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { formatMoney } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';
import { SummaryQuerySchema, type SummaryRequest, type Summary, type GroupBy } from '../summary-request.js';
import { OrderRollups, type RollupBlock } from '../order-rollups.js';
import { RollupKeeper } from '../rollup-keeper.js';
import { Summaries } from '../summaries.js';

/** Parses a query string as the service does. */
function summaryRequest(query: string): SummaryRequest {
  const given: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const [, end] = /^createdAt\[(\w+)\]$/.exec(name) ?? [];
    if (end === undefined) given[name] = value;
    else given['createdAt'] = { ...(given['createdAt'] as object | undefined), [end]: value };
  }
  return SummaryQuerySchema.parse(given);
}

/** Rollups that record which blocks were counted and built. */
class WatchedRollups extends OrderRollups {
  readonly counted: number[] = [];
  readonly built: number[] = [];

  override async saved(block: number): Promise<number> {
    this.counted.push(block);
    return super.saved(block);
  }

  override async build(block: RollupBlock): Promise<void> {
    this.built.push(block.block);
    await super.build(block);
  }
}

/** The summary part of one query API process, with blocks of 100 orders, small enough for specs to fill. */
export class WatchedInstance {
  readonly rollups: WatchedRollups;
  /** It does nothing in the background until its `onApplicationBootstrap` is called. */
  readonly keeper: RollupKeeper;
  private readonly summaries: Summaries;

  constructor(mongo: Mongo, clock = systemClock) {
    this.rollups = new WatchedRollups(mongo, ArchivedList.of(mongo.db), 100);
    this.keeper = new RollupKeeper(this.rollups, clock);
    this.summaries = new Summaries(mongo, this.keeper);
  }

  /** Requests a summary. @param query the query string; default: by currency only */
  readonly ask = async (query = ''): Promise<Summary> => this.summaries.of(summaryRequest(query));
}

type Key = Omit<Summary['groups'][number], 'count' | 'quantity' | 'amount'>;

/**
 * Computes the summary of orders directly from the orders.
 * @param query the query string
 */
export function expectedSummary(orders: readonly Order[], query: string, through: number): Summary {
  const request = summaryRequest(query);
  const matching = orders.filter((order) => matches(order, request));
  const included = request.includeFilled
    ? matching
    : matching.filter(({ legacy }) => (legacy?.filled.length ?? 0) === 0);
  const byKey = Map.groupBy(included, (order) => JSON.stringify(keyOf(order, request.groupBy)));
  const groups = [...byKey.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, own]) =>
      Object.assign(JSON.parse(key) as Key, {
        count: own.length,
        quantity: own.reduce((sum, { quantity }) => sum + quantity, 0),
        amount: formatMoney(own.reduce((sum, { amount }) => sum + amount, 0n)),
      }),
    );
  return { groups, total: { count: included.length }, excludedFilled: matching.length - included.length, through };
}

function matches(order: Order, { currency, side, symbol, accountId, createdAt = {} }: SummaryRequest): boolean {
  const { gte, gt, lte, lt } = createdAt;
  return (
    (currency ?? order.currency) === order.currency &&
    (side ?? order.side) === order.side &&
    (symbol ?? order.symbol) === order.symbol &&
    (accountId ?? order.accountId) === order.accountId &&
    !(gte && order.createdAt < gte) &&
    !(gt && order.createdAt <= gt) &&
    !(lte && order.createdAt > lte) &&
    !(lt && order.createdAt >= lt)
  );
}

const BEGINNINGS = { hour: [13, ':00:00.000Z'], day: [10, 'T00:00:00.000Z'], month: [7, '-01T00:00:00.000Z'] } as const;

function keyOf({ currency, side, symbol, createdAt }: Order, groupBy: GroupBy): Key {
  const [length, rest] = groupBy.bucket ? BEGINNINGS[groupBy.bucket] : [0, ''];
  return {
    currency,
    ...(groupBy.side && { side }),
    ...(groupBy.symbol && { symbol }),
    ...(groupBy.bucket && { from: `${createdAt.toISOString().slice(0, length)}${rest}` }),
  };
}
