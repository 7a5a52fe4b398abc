import { describe, expect, it } from '@jest/globals';
import { OPERATION_EXAMPLE } from './operation-example.js';
import { OperationResponseSchema } from './operation-response.js';
import { operationState, type StatedOperation } from './operation-state.js';

const POPULATE: StatedOperation = {
  kind: 'populate',
  status: 'running',
  count: 1_000,
  acked: 600,
  saved: 132,
  archived: 0,
  deadLettered: 0,
  discarded: 0,
  redrive: null,
  error: null,
  waitingFor: null,
};
const SENT: StatedOperation = { ...POPULATE, status: 'succeeded', acked: 1_000 };
const RECEIVED: StatedOperation = { ...POPULATE, kind: 'intake', acked: 1_000 };

function redrive(
  counts: Partial<NonNullable<StatedOperation['redrive']>>,
  changes: Partial<StatedOperation> = {},
): StatedOperation {
  const none = { moved: 0, saved: 0, returned: 0, missing: 0, unmovable: 0 };
  return {
    ...SENT,
    count: 208,
    deadLettered: null,
    redrive: { ...none, ...counts },
    ...changes,
  };
}

describe('the state of an operation', () => {
  it.each<[StatedOperation, string, string]>([
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
    [{ ...SENT, status: 'failed', error: { message: 'No topic.' } }, 'failed', 'failed: No topic.'],
  ])('%j is %s: %s', (operation, code, text) => {
    expect(operationState(operation)).toEqual({ code, text });
  });

  it.each<[string, StatedOperation, string, string]>([
    [
      'before its letters are selected',
      redrive({}, { status: 'running', count: 0, acked: 0 }),
      'sending',
      'sending 0 %',
    ],
    ['while letters wait', redrive({ moved: 208, saved: 52 }, { status: 'running' }), 'saving', 'sent, saving 25 %'],
    ['that failed again', redrive({ moved: 208, returned: 208 }), 'noneSaved', 'none saved: 208 dead-lettered again'],
    ['that helped', redrive({ moved: 208, saved: 208 }), 'allSaved', 'all saved'],
    [
      'that helped partly',
      redrive({ moved: 207, saved: 200, returned: 7, unmovable: 1 }),
      'partlySaved',
      '200 of 208 saved, 7 dead-lettered again, 1 not movable',
    ],
  ])('of a redrive %s is %s', (_, operation, code, text) => {
    expect(operationState(operation)).toEqual({ code, text });
  });

  it('of the example in the OpenAPI document is that of its figures', () => {
    expect(OperationResponseSchema.parse(OPERATION_EXAMPLE)).toEqual(OPERATION_EXAMPLE);
    expect(operationState(OPERATION_EXAMPLE)).toEqual(OPERATION_EXAMPLE.state);
  });
});
