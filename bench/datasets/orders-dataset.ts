import { orderGenerator } from '#orders/generator/generator.js';
import { PARTITIONS, type Dataset } from './dataset.js';

export const DATASET_OPERATION_ID = '01a20e65-570e-7570-bea6-26988d692e8b';
const SEED = 20_261_124;
const FROM = new Date('2026-11-23T00:00:00Z');
const TO = new Date('2026-11-24T00:00:00Z');

/** Real orders as the producer app writes them, with uniformly distributed accounts. */
export function ordersDataset(records: number, accounts = 100_000): Dataset {
  return {
    topic: `bench.orders-${records}-of-${accounts}`,
    records,
    maker: (orders) => {
      const orderAt = orderAtOf(records, accounts);
      return (index) => orders.record({ order: orderAt(index), index, fault: undefined }, DATASET_OPERATION_ID);
    },
  };
}

/** The same orders, but one record in `poisonEvery` cannot be decoded. */
export function poisonedOrdersDataset(records: number, poisonEvery: number, accounts = 100_000): Dataset {
  return {
    topic: `bench.poisoned-orders-${records}-of-${accounts}-every-${poisonEvery}`,
    records,
    maker: (orders) => {
      const orderAt = orderAtOf(records, accounts);
      return (index) => {
        const fault = index % poisonEvery === 0 ? 'poison' : undefined;
        return orders.record({ order: orderAt(index), index, fault }, DATASET_OPERATION_ID);
      };
    },
  };
}

/** Real orders of a few alternating accounts: each account has equally many orders, each partition equally many accounts. */
export function evenAccountsDataset(records: number, accounts: number): Dataset {
  return {
    topic: `bench.even-orders-${records}-of-${accounts}`,
    records,
    maker: (orders) => {
      const orderAt = orderAtOf(records, accounts);
      return (index) => {
        const account = index % accounts;
        const accountId = `acc-${account.toString().padStart(7, '0')}`;
        const record = orders.record(
          { order: { ...orderAt(index), accountId }, index, fault: undefined },
          DATASET_OPERATION_ID,
        );
        return { ...record, partition: account % PARTITIONS };
      };
    },
  };
}

/** Returns the generator of the orders by index. */
export function orderAtOf(count: number, accounts: number): ReturnType<typeof orderGenerator> {
  return orderGenerator({
    operationId: DATASET_OPERATION_ID,
    seed: SEED,
    count,
    firstNumber: 1,
    accounts,
    from: FROM,
    to: TO,
  });
}
