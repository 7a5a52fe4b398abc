import { describe, expect, it } from '@jest/globals';
import { storedOrder, type TargetOrder, type WrittenOrder } from '../../../dev/migration-journey/stored-orders.js';
import { aLegacyRecord } from '#orders/testing/an-order.js';
import { gapsBetween, outOfOrderOnTopic, unexpectedErrors } from './stored-checks.js';

const stored = (serial: number, offset = serial, more: Partial<TargetOrder> = {}): TargetOrder => ({
  ...storedOrder(aLegacyRecord({ number: serial, accountId: 'client-1', quantity: serial })),
  isSent: true,
  partition: 0,
  offset,
  ...more,
});
const written = (serial: number, isAcked = true): WrittenOrder => ({
  accountId: 'client-1',
  serial,
  id: undefined,
  begunAt: 0,
  ...(isAcked && { acked: { order: stored(serial), at: 1 } }),
});
const WRITES = [1, 2, 3].map((serial) => written(serial));
const FIRST_UNKNOWN = [written(1, false), written(2)];

describe('the order of the writes of an account in the files', () => {
  it.each([
    ['a later state has more', [2], [1, 2], WRITES, []],
    ['the last write is missing in both', [1], [1, 2], WRITES, []],
    ['a write without an outcome is missing', [2], [2], FIRST_UNKNOWN, []],
    [
      'a write is there before its predecessor',
      [1, 3],
      [1, 3],
      WRITES,
      ['its write 3, but not yet its acknowledged write 2'],
    ],
  ])('%s', (_, earlier, later, writes, gaps) => {
    const found = gapsBetween(
      earlier.map((serial) => stored(serial)),
      later.map((serial) => stored(serial)),
      () => writes,
    );
    expect(found).toEqual(gaps.map((gap) => `legacy: client-1 has ${gap}`));
  });
});

describe('the order of the writes of an account on the topic', () => {
  it.each([
    ['a write comes after a later one', [stored(1, 9), stored(2, 3)], WRITES, ['has its write 1 after its write 2']],
    ['a write is on another partition', [stored(1), stored(2, 2, { partition: 1 })], WRITES, ['are on 2 partitions']],
    ['the orders are listed in another order than that of the topic', [stored(3), stored(1), stored(2)], WRITES, []],
    ['a write without an outcome comes later', [stored(1, 9), stored(2, 3)], FIRST_UNKNOWN, []],
    ['a backfill copied the order later', [stored(1, 9, { isSent: false }), stored(2, 3)], WRITES, []],
  ])('%s', (_, orders, writes, problems) => {
    expect(outOfOrderOnTopic(orders, writes)).toEqual(problems.map((problem) => expect.stringContaining(problem)));
  });
});

const line = (fields: object): string => `${JSON.stringify({ time: 'now', ...fields })}\n`;

describe('the errors of a log', () => {
  it('are its lines of level error, each message once', () => {
    const failed = line({ level: 50, msg: 'comparison failed', err: { message: 'no such field' } });
    const stack = line({ level: 50, msg: 'TypeError: x is undefined\n    at f' });
    expect(unexpectedErrors(line({ level: 40, msg: 'retrying' }) + failed + failed + stack)).toEqual([
      'comparison failed no such field',
      'TypeError: x is undefined',
    ]);
  });

  it('do not include a rollback', () => {
    expect(unexpectedErrors(line({ level: 50, msg: 'stage rolled back' }))).toEqual([]);
  });

  it('include what a crash prints', () => {
    expect(unexpectedErrors('node:internal/process\n')).toEqual(['node:internal/process']);
  });
});
