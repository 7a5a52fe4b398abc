import { describe, expect, it } from '@jest/globals';
import { RecordingLogger } from '../behaviour/gated-consumer.js';
import { KafkajsBroker } from './kafkajs-broker.js';
import { connectKafka, reliableProducer } from './kafkajs-client.js';

/** Logs an error or a warning as kafkajs does. @returns the level at which the caller's logger gets it */
function levelOf(level: 'error' | 'warn', namespace: string, message: string): string[] {
  const logger = new RecordingLogger();
  const kafka = connectKafka({ brokers: ['localhost:9092'], clientId: 'spec', logger });
  kafka.logger().namespace(namespace)[level](message, { broker: 'localhost:9092' });
  return logger.entries.map((entry) => {
    expect(entry).toMatchObject({ message, details: { broker: 'localhost:9092', from: namespace } });
    return entry.level;
  });
}

describe('connectKafka', () => {
  const logger = new RecordingLogger();
  it.each([
    [undefined, 'the options must be an object, got undefined'],
    [{}, 'brokers is missing'],
    [{ brokers: [] }, "brokers must be a list of addresses such as ['localhost:9092']"],
    [{ brokers: ['localhost'] }, "brokers must be a list of addresses such as ['localhost:9092'], got 'localhost'"],
    [{ brokers: ['localhost:9092'], clientId: 'spec' }, 'logger is missing'],
    [
      { broker: ['localhost:9092'] },
      'broker is not an option. The options are brokers, clientId, logger, ssl, sasl, retry',
    ],
  ])('refuses %p', (options, message) => {
    expect(() => connectKafka(options as never)).toThrow(message);
  });

  it('creates a client that a broker accepts, and a broker names what is wrong with its options', () => {
    const kafka = connectKafka({ brokers: ['localhost:9092'], clientId: 'spec', logger });
    const options = { kafka, topic: 'payments', groupId: 'savers', logger };
    expect(() => new KafkajsBroker(options)).not.toThrow();
    expect(() => new KafkajsBroker({ ...options, groupId: '' })).toThrow("groupId must be a non-empty text, got ''");
    expect(() => new KafkajsBroker({ ...options, kafka: {} as never })).toThrow(
      'kafka must be an object with the functions',
    );
    expect(() => new KafkajsBroker(undefined as never)).toThrow('the options must be an object, got undefined');
    expect(() => new KafkajsBroker({ ...options, sesionTimeoutMs: 5 } as never)).toThrow(
      'sesionTimeoutMs is not an option. The options are kafka, topic',
    );
    expect(() => reliableProducer(undefined as never, logger)).toThrow('kafka must be an object with the functions');
    expect(() => reliableProducer(kafka, undefined as never)).toThrow('logger is missing');
    expect(() => new KafkajsBroker({ ...options, maxBytes: 0 })).toThrow(
      'maxBytes must be an integer of at least 1, got 0',
    );
  });

  it('gives a rebalance twice the session timeout, or the given time, from the session timeout on', () => {
    const kafka = connectKafka({ brokers: ['localhost:9092'], clientId: 'spec', logger });
    const brokerOf = (given: object) =>
      new KafkajsBroker({ kafka, topic: 'orders', groupId: 'savers', logger, ...given });
    expect(brokerOf({}).rebalanceTimeoutMs).toBe(20_000);
    expect(brokerOf({ sessionTimeoutMs: 45_000 }).rebalanceTimeoutMs).toBe(90_000);
    expect(brokerOf({ rebalanceTimeoutMs: 300_000 }).rebalanceTimeoutMs).toBe(300_000);
    expect(() => brokerOf({ rebalanceTimeoutMs: '5' })).toThrow(
      "rebalanceTimeoutMs must be an integer of at least 1, got '5'",
    );
    expect(() => brokerOf({ rebalanceTimeoutMs: 9_999 })).toThrow(
      'rebalanceTimeoutMs must be from sessionTimeoutMs (10000) to 2147483647, got 9999',
    );
    expect(() => brokerOf({ sessionTimeoutMs: 2 ** 31 })).toThrow('rebalanceTimeoutMs must be from');
  });

  it('reads several topics, each named once, and offsets to start at belong to a single one', () => {
    const kafka = connectKafka({ brokers: ['localhost:9092'], clientId: 'spec', logger });
    const brokerOf = (topic: string | readonly string[], given: object = {}) =>
      new KafkajsBroker({ kafka, topic, groupId: 'savers', logger, ...given });
    expect(brokerOf(['orders', 'payments']).topics).toEqual(['orders', 'payments']);
    expect(() => brokerOf([])).toThrow('topic must name at least one topic');
    expect(() => brokerOf(['orders', ''])).toThrow("topic must be a non-empty text, got ''");
    expect(() => brokerOf(['orders', 'orders'])).toThrow('topic names orders twice');
    expect(() => brokerOf(['orders', 'payments'], { startAt: { offsets: { 0: 1 } } })).toThrow(
      'startAt.offsets are those of one topic, got 2 topics: orders, payments',
    );
  });
});

describe('the log messages of kafkajs', () => {
  it.each([
    ['error', 'Connection', 'Response ListOffsets(key: 2, version: 3)', 'debug'],
    ['error', 'Connection', 'Connection error: connect ECONNREFUSED', 'info'],
    ['error', 'BrokerPool', 'Failed to connect to seed broker, trying another broker from the list', 'error'],
    ['warn', 'Cluster', 'a warning', 'warn'],
  ] as const)('%s of %s, %s, is logged at %s', (level, namespace, message, logged) => {
    expect(levelOf(level, namespace, message)).toEqual([logged]);
  });

  it('about limited retries of an idempotent producer are dropped, since its sends are retried without limit', () => {
    expect(levelOf('error', 'Producer', 'Limiting retries for the idempotent producer may invalidate EoS')).toEqual([]);
  });
});
