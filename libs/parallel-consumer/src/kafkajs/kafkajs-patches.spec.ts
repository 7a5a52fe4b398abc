import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { RecordToEncode } from '../records/encode-batch.js';
import { connectKafka } from './kafkajs-client.js';
import { encodeKafkajsBatch } from './kafkajs-patches.js';

const { KafkaJSConnectionClosedError, KafkaJSConnectionError, KafkaJSRequestTimeoutError } = createRequire(
  import.meta.url,
)('kafkajs/src/errors') as Record<
  'KafkaJSConnectionClosedError' | 'KafkaJSConnectionError' | 'KafkaJSRequestTimeoutError',
  new (message: string) => Error
>;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface BrokerPool {
  createBroker: (options: { connectionPool: string }) => object;
  connect(): Promise<void>;
}

/** Returns the brokers that kafkajs's own pool connects to, in order, when the first one fails. */
async function brokersTriedWhenFirstFails(failure: Error): Promise<string[]> {
  connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'spec', logger: quiet });
  const Pool = createRequire(import.meta.url)('kafkajs/src/cluster/brokerPool') as new (options: object) => BrokerPool;
  const names = ['first', 'second'];
  const pool = new Pool({
    connectionPoolBuilder: { build: async () => names.shift() ?? 'no broker left' },
    logger: { namespace: () => ({ error: () => undefined }) },
    retry: { retries: 1, initialRetryTime: 1 },
  });
  const tried: string[] = [];
  pool.createBroker = ({ connectionPool: name }) => ({
    isConnected: () => false,
    disconnect: async () => undefined,
    connect: async () => {
      tried.push(name);
      if (name === 'first') throw failure;
    },
  });
  await pool.connect();
  return tried;
}

describe('a client with several bootstrap brokers', () => {
  it.each([
    ['refuses the connection', new KafkaJSConnectionError('connect ECONNREFUSED')],
    // As a load balancer or a published Docker port does while the broker is unavailable.
    ['accepts the connection and closes it', new KafkaJSConnectionClosedError('Closed connection')],
    ['accepts the connection and never responds', new KafkaJSRequestTimeoutError('Request ApiVersions timed out')],
  ])('tries the next broker when the first %s', async (_, failure) => {
    expect(await brokersTriedWhenFirstFails(failure)).toEqual(['first', 'second']);
  });
});

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
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }).map(String),
  producerEpoch: fc.integer({ min: -1, max: 32_767 }),
  firstSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  transactional: fc.boolean(),
});

describe('a batch of records to send', () => {
  it('has the bytes that kafkajs would write, whatever the records', async () => {
    const property = fc.asyncProperty(batch, async (given) => {
      const { records, firstTimestamp: maxTimestamp } = given;
      const expected = await RecordBatch({
        ...given,
        maxTimestamp,
        lastOffsetDelta: records.length - 1,
        records: records.map((each, offsetDelta) => encodeRecord({ ...each, offsetDelta })),
      });
      expect(encodeKafkajsBatch({ ...given, maxTimestamp }).toString('hex')).toBe(expected.buffer.toString('hex'));
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
