import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { encodeBatch, type RecordToEncode } from '../records/encode-batch.js';

const require = createRequire(import.meta.url);
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>;
};

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 60, maxLength: 200 }));
const buffer = fc.uint8Array({ maxLength: 9_000 }).map((array) => Buffer.from(array));
const record: fc.Arbitrary<RecordToEncode> = fc.record({
  key: fc.option(fc.oneof(text, buffer)),
  value: fc.option(buffer),
  headers: fc.dictionary(text, fc.oneof(text, buffer), { maxKeys: 4 }),
});
const batch = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 5 }),
  timestamp: fc.nat({ max: 2 ** 31 - 1 }).map((ms) => 1_700_000_000_000 + ms),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }),
  producerEpoch: fc.integer({ min: -1, max: 32_767 }),
  firstSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
});

describe('an encoded batch of records', () => {
  it('has the bytes that kafkajs would write, whatever the records', async () => {
    const property = fc.asyncProperty(batch, async ({ records, timestamp, producerId, ...numbers }) => {
      const expected = await RecordBatch({
        ...numbers,
        producerId: String(producerId),
        firstTimestamp: timestamp,
        maxTimestamp: timestamp,
        lastOffsetDelta: records.length - 1,
        records: records.map((each, offsetDelta) => encodeRecord({ ...each, offsetDelta, timestampDelta: 0 })),
      });
      const encoded = encodeBatch({ records, timestamp, producerId, ...numbers });
      expect(encoded.toString('hex')).toBe(expected.buffer.toString('hex'));
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
