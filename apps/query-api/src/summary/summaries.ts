import { HttpStatus, Injectable } from '@nestjs/common';
import { MongoServerError, type AggregationCursor } from 'mongodb';
import { highestReservedNumber } from '#orders/operation/number-blocks.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Problem } from '#service/http/problem.js';
import { FreshRollups } from './fresh-rollups.js';
import { rollupsCollection } from './order-rollup.js';
import { sumOfAccount, sumOfCells } from './summed-documents.js';
import type { SummaryRequest } from './summary-query.js';
import { summaryOf, tooManyGroups, type Summary } from './summary-response.js';
import { MAX_GROUPS, type SumRow } from './summary-sums.js';

const MAX_SUM_MS = 5_000;
const MAX_TIME_MS_EXPIRED = 50;
const MEMORY_LIMIT_EXCEEDED = 292;
/** An aggregation that exceeds 100 MB of memory has hundreds of thousands of groups, so it is rejected instead of using the disk. */
const IN_MEMORY = { maxTimeMS: MAX_SUM_MS, allowDiskUse: false, batchSize: MAX_GROUPS + 3 };

/** Sums up the saved orders: those of all accounts from the rollups, those of one account from its orders. */
@Injectable()
export class Summaries {
  constructor(
    private readonly mongo: Mongo,
    private readonly fresh: FreshRollups,
  ) {}

  /**
   * Returns figures that include each order that was saved before the call.
   * @throws Problem 400 `too-many-groups`; 503 `summary-being-prepared`; 503 `summary-takes-too-long` after five seconds
   */
  async of(request: SummaryRequest): Promise<Summary> {
    const { accountId } = request;
    return accountId === undefined ? this.ofAll(request) : this.ofAccount(request, accountId);
  }

  private async ofAll(request: SummaryRequest): Promise<Summary> {
    const through = await this.fresh.through();
    const rollups = rollupsCollection(this.mongo.db);
    return summaryOf(await rowsOf(rollups.aggregate<SumRow>(sumOfCells(request), IN_MEMORY)), through);
  }

  private async ofAccount(request: SummaryRequest, accountId: string): Promise<Summary> {
    const through = await highestReservedNumber(this.mongo.db);
    const { pipeline, hint } = sumOfAccount(request, accountId);
    const orders = ordersCollection(this.mongo.db);
    return summaryOf(await rowsOf(orders.aggregate<SumRow>(pipeline, { ...IN_MEMORY, hint })), through);
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
