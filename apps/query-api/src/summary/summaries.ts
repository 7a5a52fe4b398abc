import { HttpStatus, Injectable } from '@nestjs/common';
import { MongoServerError, type AggregationCursor } from 'mongodb';
import { highestReservedNumber } from '#orders/operation/number-blocks.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Problem } from '#service/http/problem.js';
import { rollupsCollection } from './order-rollups.js';
import { RollupKeeper } from './rollup-keeper.js';
import { MAX_GROUPS, sumOfOrders, sumOfRollups, type SumRow } from './summary-pipeline.js';
import type { SummaryRequest } from './summary-query.js';
import { summaryOf, tooManyGroups, type Summary } from './summary-response.js';
import { timeLimit } from '#orders/time-limit.js';

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
