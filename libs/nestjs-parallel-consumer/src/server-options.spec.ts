import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger, type LoggerService } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';
import { noPayload, parsedValue, rawValue } from './topic-consumer.js';
import { eventHandlers, nestEngineLogger, ParallelConsumerServer } from './parallel-consumer-server.js';

function handler(extra: Partial<MessageHandler> = {}): MessageHandler {
  return Object.assign(async () => undefined, { isEventHandler: true, ...extra });
}

function code(expected: string): object {
  return expect.objectContaining({ name: 'ParallelConsumerSetupError', code: expected });
}

function mustNotConnect(): never {
  throw new Error('must not connect');
}

function createRecord(value: Buffer | null) {
  const at = { topic: 'orders', partition: 0, offset: 0, timestamp: 0 };
  return { ...at, key: null, value, valueText: value && String(value), headers: {}, byteLength: 0 };
}

describe('the check at startup', () => {
  it('accepts exactly one handler per topic', () => {
    const registered = { orders: handler(), letters: handler() };
    const found = eventHandlers(new Map(Object.entries(registered)), ['letters', 'orders']);
    expect(Object.fromEntries(found)).toEqual(registered);
  });

  it.each<[string, Record<string, MessageHandler>]>([
    ['topic-without-handler', {}],
    ['handler-without-topic', { other: handler() }],
    ['request-response-handler', { orders: handler({ isEventHandler: false }) }],
    ['several-handlers', { orders: handler({ next: handler() }) }],
  ])('rejects %s', (expected, registered) => {
    expect(() => eventHandlers(new Map(Object.entries(registered)), ['orders'])).toThrow(code(expected));
  });

  it.each<[string, string, unknown]>([
    ['empty topics', 'no-topics', {}],
    ['missing topics', 'no-topics', undefined],
    ['a topic without a group', 'no-group', { one: { deadLetterTopic: 'dead' } }],
    ['a consumer group with two topics', 'group-shared', { one: { groupId: 'same' }, two: { groupId: 'same' } }],
  ])('rejects %s', (_what, expected, topics) => {
    const options = { kafka: mustNotConnect, topics: topics as never };
    expect(() => new ParallelConsumerServer(options)).toThrow(code(expected));
  });

  it.each<[unknown, string]>([
    [undefined, 'the options must be an object, got undefined'],
    [{ topics: {} }, 'kafka is missing'],
    [
      { kafka: mustNotConnect, topic: {} },
      'topic is not an option. The options are kafka, topics, logger, transportId',
    ],
  ])('rejects the options %p', (options, message) => {
    expect(() => new ParallelConsumerServer(options as never)).toThrow(message);
  });
});

describe('the default deserializer', () => {
  it.each([
    ['an object', '{"id":1}', { id: 1 }],
    ['a list', '[1,2]', [1, 2]],
    ['text', 'hello', 'hello'],
    ['a number, which ServerKafka leaves as text', '12', '12'],
    ['nothing', '', ''],
    ['the wire format of a schema registry unchanged', '\0\0\0\0\u0001\u0002', Buffer.from([0, 0, 0, 0, 1, 2])],
  ])('parses %s like ServerKafka', (_what, text, expected) => {
    expect(parsedValue(createRecord(Buffer.from(text)))).toEqual(expected);
  });

  it('returns tombstones unchanged', () => {
    expect(parsedValue(createRecord(null))).toBe(null);
  });

  it('throws for invalid JSON instead of returning text', () => {
    expect(() => parsedValue(createRecord(Buffer.from('{"id":')))).toThrow(SyntaxError);
  });
});

describe('another deserializer', () => {
  it('returns a copy of the bytes, which does not reference the fetch buffer', () => {
    const fetched = Buffer.from('before{"id":1}after');
    const payload = rawValue(createRecord(fetched.subarray(6, 14)));
    expect(payload).toEqual(Buffer.from('{"id":1}'));
    fetched.fill(0);
    expect(payload).toEqual(Buffer.from('{"id":1}'));
    expect(rawValue(createRecord(null))).toBe(null);
  });

  it('returns no payload', () => {
    expect(noPayload(createRecord(Buffer.from('{"id":1}')))).toBe(undefined);
  });
});

describe('a logger of Nest', () => {
  const lines: string[] = [];
  const write = (level: string) => (line: unknown) => void lines.push(`${level}: ${String(line)}`);
  const nest: LoggerService = { log: write('log'), warn: write('warn'), error: write('error'), debug: write('debug') };
  const logger = nestEngineLogger(nest);

  afterEach(() => {
    lines.length = 0;
    Logger.overrideLogger(['log', 'fatal', 'error', 'warn', 'debug', 'verbose']);
  });

  it('writes the message and the details on one line, at the level of the same name', () => {
    logger.info({}, 'started');
    logger.warn({ partition: 1 }, 'retrying');
    logger.error({ partition: 1 }, 'failed');
    logger.debug?.({ offset: 7 }, 'retrying');
    expect(lines).toEqual([
      'log: started',
      'warn: retrying { partition: 1 }',
      'error: failed { partition: 1 }',
      'debug: retrying { offset: 7 }',
    ]);
  });

  it('formats nothing for a disabled debug level', () => {
    Logger.overrideLogger(['log']);
    const details = Object.defineProperty({}, 'offset', {
      enumerable: true,
      get: () => {
        throw new Error('formatted');
      },
    });
    logger.debug?.(details, 'retrying');
    expect(lines).toEqual([]);
  });
});
