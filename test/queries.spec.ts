import { afterAll, beforeAll, describe } from '@jest/globals';
import { orderQueriesSpecs } from './queries/order-queries.js';
import { queriedOrders, type QueriedApi } from './queries/queried-orders.js';
import { summariesSpecs } from './queries/summaries.js';
import { RunningQueryApi } from './support/running-query-api.js';

describe('the query API', () => {
  let queried: QueriedApi;

  beforeAll(async () => {
    const all = queriedOrders();
    queried = { api: await RunningQueryApi.withOrders(all), all };
  });

  afterAll(async () => queried.api.end());

  describe('an order query', () => {
    orderQueriesSpecs(() => queried);
  });
  describe('a summary of the saved orders', () => {
    summariesSpecs(() => queried);
  });
});
