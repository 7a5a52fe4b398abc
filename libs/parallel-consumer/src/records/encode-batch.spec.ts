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

  it('keeps repeated headers, null headers and empty ones', () => {
    const headers = { trace: ['a', null, 'b'], empty: '', none: null, no: [] };
    const [record] = new FetchedRecords({
      topic: 'orders',
      partition: 0,
      fetchOffset: 0,
      bytes: encodeBatch({
        records: [{ key: null, value: null, headers }],
        timestamp: 0,
        producerId: 7n,
        producerEpoch: 0,
        firstSequence: 0,
      }),
      abortedTransactions: [],
    });
    expect(record?.headerList?.map(([name, value]) => [name, value && String(value)])).toEqual([
      ['trace', 'a'],
      ['trace', null],
      ['trace', 'b'],
      ['empty', ''],
      ['none', null],
    ]);
    expect(record?.headers).toEqual({ trace: Buffer.from('b'), empty: Buffer.alloc(0), none: undefined });
  });
});
