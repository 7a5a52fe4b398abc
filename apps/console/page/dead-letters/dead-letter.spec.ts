import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import type { RedriveTry } from '#api/producer.js';
import { lastFailedAt, selectionText, repairOf } from './dead-letter.js';
import { compareOrders } from './letter-dialog.js';
import { Rereading } from './dead-letters.js';

const FIRST = '2026-01-31T12:00:00.000Z';
const AGAIN = '2026-01-31T13:00:00.000Z';

describe('a dead letter', () => {
  it.each<[string, [RedriveTry['outcome'], string | null][]]>([
    [FIRST, []],
    [AGAIN, [['returned', AGAIN]]],
    [
      AGAIN,
      [
        ['returned', AGAIN],
        [null, null],
      ],
    ],
    [FIRST, [['unmovable', AGAIN]]],
  ])('failed last at %s after the redrives %j', (failedAt, outcomes) => {
    const tries = outcomes.map(([outcome, endedAt]) => ({ outcome, endedAt }));
    expect(lastFailedAt(FIRST, tries)).toBe(failedAt);
  });

  it.each([
    [{ id: 'orders.v1/3/4711' }, 'orders.v1/3/4711'],
    [{ errorCode: 'conflict' }, 'all dead letters with error conflict'],
    [{ errorCode: 'conflict', operationId: 'x' }, 'all dead letters with error conflict of operation x'],
  ])('is named in a dialog alone or with its group: %j', (selection, text) => {
    expect(selectionText(selection)).toBe(text);
  });
});

describe('comparing a refused order with the saved one', () => {
  it('marks the fields that differ, and only those', () => {
    const saved = { id: 'a', number: 4, amount: '10.0000' };
    expect(compareOrders({ amount: '12.0000', id: 'a', number: 4 }, saved)).toEqual([
      { name: 'id', refused: 'a', saved: 'a', differs: false },
      { name: 'number', refused: '4', saved: '4', differs: false },
      { name: 'amount', refused: '12.0000', saved: '10.0000', differs: true },
    ]);
  });

  it('compares nested values by content, and marks a field that one of them lacks', () => {
    const legacy = { number: 7, filled: [] };
    expect(compareOrders({ legacy, createdAt: null }, { legacy: { ...legacy } })).toEqual([
      { name: 'legacy', refused: '{"number":7,"filled":[]}', saved: '{"number":7,"filled":[]}', differs: false },
      { name: 'createdAt', refused: 'null', saved: undefined, differs: true },
    ]);
  });
});

describe('the repair of a dead letter', () => {
  it.each(['conflict', 'empty-value', 'not-wire-format', 'malformed-avro', 'invalid-order'])(
    'says first that a redrive of %s would fail again, and never that it returns',
    (code) => {
      expect(repairOf(code)).toMatch(/^A redrive would fail again: .* discard/);
      expect(repairOf(code)).not.toMatch(/return/);
    },
  );

  it.each(['unknown-schema', 'oversized', 'of-a-later-version'])('ends with a redrive for the error %s', (code) => {
    expect(repairOf(code)).toMatch(/then redrive\.$/);
  });
});

describe('rereading', () => {
  it('finishes each reading, and reads once more when it was requested meanwhile', async () => {
    const started: PromiseWithResolvers<void>[] = [];
    const rereading = new Rereading(async () => {
      const reading = Promise.withResolvers<void>();
      started.push(reading);
      return reading.promise;
    });
    const all = rereading.request();
    for (let more = 0; more < 3; more += 1) void rereading.request();
    expect(started).toHaveLength(1);
    started[0]?.resolve();
    await settle();
    expect(started).toHaveLength(2);
    started[1]?.resolve();
    await all;
    expect(started).toHaveLength(2);
    void rereading.request();
    expect(started).toHaveLength(3);
  });
});
