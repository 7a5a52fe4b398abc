import { describe, expect, it } from '@jest/globals';
import { anOperation } from '#orders/testing/an-operation.js';
import {
  type ConsumerReason,
  OPERATION_EXAMPLE,
  OperationResponseSchema,
  operationState,
  type StatedOperation,
  waitText,
} from './operation-response.js';

const POPULATE: StatedOperation = anOperation({ saved: 132 });
const SENT: StatedOperation = { ...POPULATE, status: 'succeeded', acked: 1_000 };
const RECEIVED: StatedOperation = { ...POPULATE, kind: 'intake', acked: 1_000 };

/** Returns a redrive of 208 dead letters. */
function redrive(
  counts: Partial<NonNullable<StatedOperation['redrive']>>,
  change: Partial<StatedOperation> = {},
): StatedOperation {
  const none = {
    filter: {},
    limit: null,
    maxRedrives: 5,
    moved: 0,
    saved: 0,
    returned: 0,
    waiting: 0,
    missing: 0,
    unmovable: 0,
  };
  return { ...SENT, count: 208, deadLettered: null, redrive: { ...none, ...counts }, ...change };
}

describe('the state of an operation', () => {
  it.each<[StatedOperation, code: string, text: string]>([
    [{ ...POPULATE, acked: 0, saved: 0 }, 'sending', 'sending 0 %'],
    [POPULATE, 'sending', 'sending 60 %, saving 22 %'],
    [{ ...POPULATE, waitingFor: 'consumers' }, 'sending', 'sending 60 %, saving 22 %, waiting for the consumers'],
    [{ ...POPULATE, saved: 600 }, 'sending', 'sending 60 %, all of it saved'],
    [{ ...POPULATE, status: 'paused' }, 'paused', 'paused at 60 %, saving 22 %'],
    [{ ...POPULATE, count: null, acked: 0, saved: null }, 'reading', 'reading the files'],
    [{ ...RECEIVED, count: 0, acked: 0, saved: 0 }, 'receiving', 'receiving orders'],
    [{ ...RECEIVED, saved: 220 }, 'receiving', 'receiving orders, saving 22 %'],
    [{ ...RECEIVED, saved: 1_000 }, 'receiving', 'receiving orders, all saved'],
    [{ ...RECEIVED, status: 'succeeded', saved: 220 }, 'saving', 'sent, saving 22 %'],
    [{ ...SENT, saved: 220 }, 'saving', 'sent, saving 22 %'],
    [{ ...SENT, saved: 999 }, 'saving', 'sent, saving 99 %'],
    [{ ...SENT, saved: 990, deadLettered: 9 }, 'saving', 'sent, saving 99 %'],
    [{ ...SENT, saved: 1_000 }, 'allSaved', 'all saved'],
    [{ ...SENT, saved: 1_000, archived: 1_000 }, 'allSaved', 'all saved, 1,000 archived'],
    [{ ...SENT, saved: 1_000, deadLettered: 3 }, 'allSaved', 'all saved'],
    [
      { ...SENT, saved: 990, deadLettered: 9, discarded: 1 },
      'partlySaved',
      '990 of 1,000 saved, 9 dead-lettered, 1 discarded',
    ],
    [{ ...SENT, saved: 0, deadLettered: 1_000 }, 'noneSaved', 'none saved: 1,000 dead-lettered'],
    [{ ...SENT, count: 0, acked: 0, saved: 0 }, 'nothingSent', 'nothing sent'],
    [{ ...POPULATE, status: 'cancelled' }, 'saving', 'cancelled at 60 %, saving 22 %'],
    [{ ...POPULATE, status: 'cancelled', saved: 600 }, 'allSaved', 'cancelled at 60 %, all of it saved'],
    [{ ...POPULATE, status: 'cancelled', acked: 0, saved: 0 }, 'nothingSent', 'cancelled at 0 %, nothing sent'],
    [{ ...SENT, status: 'failed', error: { code: 'no-topic', message: 'No topic.' } }, 'failed', 'failed: No topic.'],
    [redrive({}, { status: 'running', count: 0, acked: 0 }), 'sending', 'sending 0 %'],
    [redrive({ moved: 208, saved: 52 }, { status: 'running' }), 'saving', 'sent, saving 25 %'],
    [redrive({ moved: 208, returned: 208 }), 'noneSaved', 'none saved: 208 dead-lettered again'],
    [redrive({ moved: 208, saved: 208 }), 'allSaved', 'all saved'],
    [
      redrive({ moved: 207, saved: 200, returned: 7, unmovable: 1 }),
      'partlySaved',
      '200 of 208 saved, 7 dead-lettered again, 1 not movable',
    ],
  ])('%j is %s: %s', (operation, code, text) => {
    expect(operationState(operation)).toEqual({ code, text });
  });

  it('of the example in the OpenAPI document is that of its figures', () => {
    const example = OperationResponseSchema.parse(OPERATION_EXAMPLE);
    expect(example).toEqual(OPERATION_EXAMPLE);
    expect(operationState(example)).toEqual(OPERATION_EXAMPLE.state);
  });
});

describe('what saves wait for', () => {
  const ready: ConsumerReason = { name: 'consumer-1', state: 'ready', notReadyBecause: null };
  const suspended: ConsumerReason = { name: 'consumer-2', state: 'waiting', notReadyBecause: 'suspended since …' };
  const stopped: ConsumerReason = { name: 'consumer-3', state: 'waiting', notReadyBecause: 'partition 3 is stopped' };
  const reasons = 'consumer-2: suspended since …; consumer-3: partition 3 is stopped';

  it.each<[string, readonly ConsumerReason[], string | null]>([
    ['no consumer', [], 'a consumer: none is running'],
    ['a ready one', [ready], null],
    ['one that rebalances', [{ ...suspended, state: 'rebalancing' }], null],
    ['two that can not work', [ready, suspended, stopped], reasons],
  ])('with %s', (_, consumers, text) => {
    expect(waitText(consumers)).toBe(text);
  });
});
