import { describe, expect, it } from '@jest/globals';
import { encodeBatch } from './encode-batch.js';
import { FetchedRecords } from './fetched-records.js';

describe('an encoded record batch', () => {
  it('is read back by the consumer', () => {
    const found = encodeBatch({
      records: [
        { key: 'k', value: Buffer.from('v'), headers: { index: '1', name: Buffer.from('é') } },
        { key: null, value: null, headers: {} },
      ],
      timestamp: 1_700_000_000_002,
      producerId: 7n,
      producerEpoch: 0,
      firstSequence: 0,
    });
    const fetched = { topic: 'orders', partition: 3, fetchOffset: 0, bytes: found, abortedTransactions: [] };
    expect(
      [...new FetchedRecords(fetched)].map(({ offset, key, value, headers, timestamp }) => ({
        offset,
        key: key?.toString(),
        value: value?.toString(),
        headers: Object.entries(headers).map(([name, each]) => `${name}=${String(each)}`),
        timestamp,
      })),
    ).toEqual([
      { offset: 0, key: 'k', value: 'v', headers: ['index=1', 'name=é'], timestamp: 1_700_000_000_002 },
      { offset: 1, key: undefined, value: undefined, headers: [], timestamp: 1_700_000_000_002 },
    ]);
  });
});
