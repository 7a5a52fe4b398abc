import { describe, expect, it } from '@jest/globals';
import type { MessageHandler } from '@nestjs/microservices';
import { eventHandlers } from './event-handlers.js';
import { ParallelConsumerServer } from './parallel-consumer-server.js';

function handler(extra: Partial<MessageHandler> = {}): MessageHandler {
  return Object.assign(async () => undefined, { isEventHandler: true, ...extra });
}

function code(expected: string): object {
  return expect.objectContaining({ name: 'ParallelConsumerSetupError', code: expected });
}

function mustNotConnect(): never {
  throw new Error('must not connect');
}

describe('the check at startup', () => {
  it('accepts exactly one handler per topic', () => {
    const [orders, letters] = [handler(), handler()];
    const registered = new Map([
      ['orders', orders],
      ['letters', letters],
    ]);
    expect([...eventHandlers(registered, ['letters', 'orders'])]).toEqual([
      ['letters', letters],
      ['orders', orders],
    ]);
  });

  it.each([
    ['a topic without a handler', 'topic-without-handler', new Map()],
    ['a handler without a topic', 'handler-without-topic', new Map([['other', handler()]])],
    [
      'a request-response handler',
      'request-response-handler',
      new Map([['orders', handler({ isEventHandler: false })]]),
    ],
    ['two handlers for a topic', 'several-handlers', new Map([['orders', handler({ next: handler() })]])],
  ])('rejects %s', (_what, expected, registered: Map<string, MessageHandler>) => {
    expect(() => eventHandlers(registered, ['orders'])).toThrow(code(expected));
  });

  it.each([
    ['empty topics', 'no-topics', {}],
    ['missing topics', 'no-topics', undefined as never],
    ['a topic without a group', 'no-group', { one: { deadLetterTopic: 'dead' } as never }],
    [
      'a consumer group with two topics',
      'group-shared',
      { one: { groupId: 'same', deadLetterTopic: 'dead' }, two: { groupId: 'same', deadLetterTopic: 'dead' } },
    ],
  ])('rejects %s', (_what, expected, topics) => {
    expect(() => new ParallelConsumerServer({ kafka: mustNotConnect, topics })).toThrow(code(expected));
  });

  it.each([
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
