import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { encodeBatch, type RecordToEncode } from './encode-batch.js';
import { FetchedRecords } from './fetched-records.js';

const require = createRequire(import.meta.url);
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>;
};

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 60, maxLength: 200 }));
const bytes = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 9_000 }).map((array) => Buffer.from(array)),
);
const record: fc.Arbitrary<RecordToEncode> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(text, fc.oneof(bytes, fc.array(bytes, { maxLength: 3 })), { maxKeys: 4 }),
  timestampDelta: fc.oneof(fc.nat({ max: 100 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
});
const batch = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 5 }),
  firstTimestamp: fc.nat({ max: 2 ** 31 - 1 }).map((ms) => 1_700_000_000_000 + ms),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }),
  producerEpoch: fc.integer({ min: -1, max: 32_767 }),
  firstSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  isTransactional: fc.boolean(),
});

describe('an encoded record batch', () => {
  it('has the bytes that kafkajs writes, whatever the records', async () => {
    const property = fc.asyncProperty(batch, async ({ records, isTransactional, producerId, ...rest }) => {
      const expected = await RecordBatch({
        ...rest,
        maxTimestamp: rest.firstTimestamp,
        producerId: String(producerId),
        transactional: isTransactional,
        lastOffsetDelta: records.length - 1,
        records: records.map((each, offsetDelta) => encodeRecord({ ...each, offsetDelta })),
      });
      const found = encodeBatch({ ...rest, records, isTransactional, producerId, maxTimestamp: rest.firstTimestamp });
      expect(found.toString('hex')).toBe(expected.buffer.toString('hex'));
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it('is read back by the consumer', () => {
    const found = encodeBatch({
      records: [
        { key: 'k', value: Buffer.from('v'), headers: { index: '1', many: ['a', 'b'] }, timestampDelta: 2 },
        { key: null, value: null, timestampDelta: 0 },
      ],
      firstTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_000_002,
      producerId: 7n,
      producerEpoch: 0,
      firstSequence: 0,
      isTransactional: false,
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
      { offset: 0, key: 'k', value: 'v', headers: ['index=1', 'many=b'], timestamp: 1_700_000_000_002 },
      { offset: 1, key: undefined, value: undefined, headers: [], timestamp: 1_700_000_000_000 },
    ]);
  });
});
