import { afterAll, beforeAll, describe } from '@jest/globals';
import { orderQueriesSpecs, queriedOrders, type QueriedApi } from './queries/order-queries.js';
import { summariesSpecs } from './queries/summaries.js';
import { RunningQueryApi } from './support/started-app.js';

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
