import { describe, expect, it } from '@jest/globals';
import { lastFailedAt, selectionText, type RedriveTry } from './dead-letter.js';

const FIRST = '2026-01-31T12:00:00.000Z';
const AGAIN = '2026-01-31T13:00:00.000Z';

function redriven(outcome: RedriveTry['outcome'], endedAt: string | null): RedriveTry {
  return { redriveId: 'r', at: FIRST, outcome, endedAt };
}

describe('a dead letter', () => {
  it('failed last when a redrive returned it', () => {
    expect(lastFailedAt({ deadLetteredAt: FIRST, tries: [] })).toBe(FIRST);
    expect(lastFailedAt({ deadLetteredAt: FIRST, tries: [redriven('returned', AGAIN)] })).toBe(AGAIN);
    expect(lastFailedAt({ deadLetteredAt: FIRST, tries: [redriven('returned', AGAIN), redriven(null, null)] })).toBe(
      AGAIN,
    );
    expect(lastFailedAt({ deadLetteredAt: FIRST, tries: [redriven('unmovable', AGAIN)] })).toBe(FIRST);
  });

  it('is named in a dialog alone or with its group', () => {
    expect(selectionText({ id: 'orders.v1/3/4711' })).toBe('orders.v1/3/4711');
    expect(selectionText({ errorCode: 'conflict' })).toBe('all letters with error conflict');
    expect(selectionText({ errorCode: 'conflict', operationId: 'x' })).toBe(
      'all letters with error conflict of operation x',
    );
  });
});
