import { PARTITIONS, type Dataset } from './dataset.js';

/** Orders of about 200 bytes as JSON, as an adopter without a schema registry writes them. */
export function jsonOrdersDataset(records: number, keys: number): Dataset {
  return {
    topic: `bench.json-orders-${records}-of-${keys}`,
    records,
    maker: () => (index) => {
      const key = index % keys;
      return {
        partition: key % PARTITIONS,
        key: `acc-${key}`,
        value: Buffer.from(JSON.stringify(jsonOrder(index, key))),
        headers: {},
      };
    },
  };
}

/** An order as the handlers parse it. */
export type JsonOrder = ReturnType<typeof jsonOrder>;

function jsonOrder(index: number, key: number) {
  return {
    _id: `order-${index.toString().padStart(12, '0')}`,
    accountId: `acc-${key.toString().padStart(7, '0')}`,
    symbol: 'ACME',
    side: index % 2 === 0 ? 'buy' : 'sell',
    quantity: 1 + (index % 1_000),
    price: `${100 + (index % 100)}.25`,
    currency: 'USD',
    createdAt: '2026-11-23T12:00:00.000Z',
  };
}
