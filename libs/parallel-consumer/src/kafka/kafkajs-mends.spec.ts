import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { connectKafka } from './kafkajs.js';

const { KafkaJSConnectionClosedError, KafkaJSConnectionError, KafkaJSRequestTimeoutError } = createRequire(
  import.meta.url,
)('kafkajs/src/errors') as Record<
  'KafkaJSConnectionClosedError' | 'KafkaJSConnectionError' | 'KafkaJSRequestTimeoutError',
  new (message: string) => Error
>;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const kafkajsLogger = { ...quiet, debug: () => undefined, namespace: () => kafkajsLogger };

/** As much of kafkajs's consumer group as its heartbeat looks at. */
interface Group {
  lastRequest: number;
  heartbeat(options: { interval: number }): Promise<void>;
}

function groupLastHeardOf(at: number): Group {
  connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'spec', logger: quiet });
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as { prototype: Group };
  return Object.assign(Object.create(prototype) as Group, { lastRequest: at });
}

describe("kafkajs's heartbeat", () => {
  it('is due at once when the clock was set back behind the last one', async () => {
    const group = groupLastHeardOf(Date.now() + 3_600_000);
    // Without a connection it comes no further.
    await expect(group.heartbeat({ interval: 1_000 })).rejects.toThrow('is not a function');
    expect(group.lastRequest).toBe(0);
  });

  it('is not hurried otherwise', async () => {
    const before = Date.now() - 10;
    const group = groupLastHeardOf(before);
    await expect(group.heartbeat({ interval: 1_000 })).rejects.toThrow('is not a function');
    expect(group.lastRequest).toBe(before);
  });
});

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

/** As much of kafkajs's consumer group as its runner needs. What is fetched from a node comes when the test says so. */
class FakeGroup {
  nodes = ['1', '2'];
  private asked = 0;
  private readonly fetches = new Map<string, PromiseWithResolvers<never[]>>();

  readonly connect = async (): Promise<void> => undefined;
  readonly joinAndSync = async (): Promise<void> => undefined;
  readonly heartbeat = async (): Promise<void> => undefined;
  readonly leave = async (): Promise<void> => undefined;

  /** @throws Error when it is asked without end, which would not even let a test end */
  getNodeIds(): string[] {
    this.asked += 1;
    if (this.asked > 100) throw new Error('the fetchers spin');
    return this.nodes;
  }

  async fetch(node: string): Promise<never[]> {
    return this.fetchOf(node).promise;
  }

  /** Ends what is being fetched from a node, with nothing. */
  answer(node: string): void {
    const { resolve } = this.fetchOf(node);
    this.fetches.delete(node);
    resolve([]);
  }

  private fetchOf(node: string): PromiseWithResolvers<never[]> {
    const fetch = this.fetches.get(node) ?? Promise.withResolvers<never[]>();
    this.fetches.set(node, fetch);
    return fetch;
  }
}

interface Runner {
  start(): Promise<void>;
  stop(): Promise<void>;
}

describe('a consumer that is stopped', () => {
  it('has no fetchers any more, though a broker went just before and new ones were about to be made', async () => {
    connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'spec', logger: quiet });
    const RunnerClass = createRequire(import.meta.url)('kafkajs/src/consumer/runner') as new (
      options: object,
    ) => Runner;
    const consumerGroup = new FakeGroup();
    const crashes: unknown[] = [];
    const runner = new RunnerClass({
      logger: kafkajsLogger,
      consumerGroup,
      instrumentationEmitter: { emit: () => undefined },
      concurrency: 1,
      retry: { retries: 0 },
      onCrash: (error: unknown) => crashes.push(error),
    });
    await runner.start();
    consumerGroup.nodes = ['1'];
    // The fetcher of 1 sees now that 2 is gone, and waits for what that one still fetches, to be replaced with it.
    consumerGroup.answer('1');
    await setImmediate();
    const stopped = runner.stop();
    consumerGroup.answer('2');
    await stopped;
    expect(crashes).toEqual([]);
  });
});
