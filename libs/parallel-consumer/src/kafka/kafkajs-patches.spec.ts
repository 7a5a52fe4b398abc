import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { connectKafka } from './kafkajs.js';

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

/** Which brokers kafkajs's own pool asks, one after another, when the first is as it is told. */
async function askedWhenTheFirst(failure: Error): Promise<string[]> {
  connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'spec', logger: quiet });
  const Pool = createRequire(import.meta.url)('kafkajs/src/cluster/brokerPool') as new (options: object) => BrokerPool;
  const names = ['first', 'second'];
  const pool = new Pool({
    connectionPoolBuilder: { build: async () => names.shift() ?? 'none is left' },
    logger: { namespace: () => ({ error: () => undefined }) },
    retry: { retries: 1, initialRetryTime: 1 },
  });
  const asked: string[] = [];
  pool.createBroker = ({ connectionPool: name }) => ({
    isConnected: () => false,
    disconnect: async () => undefined,
    connect: async () => {
      asked.push(name);
      if (name === 'first') throw failure;
    },
  });
  await pool.connect();
  return asked;
}

describe('a client that is given several brokers', () => {
  it.each([
    ['cannot be connected to', new KafkaJSConnectionError('connect ECONNREFUSED')],
    // As behind a load balancer, or a port that Docker publishes, while the broker itself is away.
    ['takes the connection and closes it', new KafkaJSConnectionClosedError('Closed connection')],
    ['takes the connection and never answers', new KafkaJSRequestTimeoutError('Request ApiVersions timed out')],
  ])('asks the next one when the first %s', async (_, failure) => {
    expect(await askedWhenTheFirst(failure)).toEqual(['first', 'second']);
  });
});
