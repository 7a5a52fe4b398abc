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

function notToBeConnected(): never {
  throw new Error('not to be connected');
}

describe('what is refused at the start', () => {
  it('is nothing when each topic has one handler', () => {
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
    ['a handler for no topic', 'handler-without-topic', new Map([['other', handler()]])],
    [
      'a handler that would have to reply',
      'request-response-handler',
      new Map([['orders', handler({ isEventHandler: false })]]),
    ],
    ['two handlers for a topic', 'several-handlers', new Map([['orders', handler({ next: handler() })]])],
  ])('is %s', (_what, expected, registered: Map<string, MessageHandler>) => {
    expect(() => eventHandlers(registered, ['orders'])).toThrow(code(expected));
  });

  it.each([
    ['no topics at all', 'no-topics', {}],
    [
      'a group of two topics',
      'group-shared',
      { one: { groupId: 'same', deadLetterTopic: 'dead' }, two: { groupId: 'same', deadLetterTopic: 'dead' } },
    ],
  ])('is %s', (_what, expected, topics) => {
    expect(() => new ParallelConsumerServer({ kafka: notToBeConnected, topics })).toThrow(code(expected));
  });
});
