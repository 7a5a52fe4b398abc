import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { connectKafka } from './kafkajs-client.js';

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
