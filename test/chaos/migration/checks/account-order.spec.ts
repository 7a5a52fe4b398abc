import { describe, expect, it } from '@jest/globals';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { WrittenOrder } from '../clients/written-orders.js';
import { gapsBetween, outOfOrderOnTopic } from './account-order.js';
import type { NewSideOrder } from './new-side-orders.js';

const acked = { record: {} as LegacyRecord, at: 1 };
const written = (serial: number, isAcked = true): WrittenOrder => ({
  accountId: 'client-1',
  serial,
  id: `id-${serial}`,
  begunAt: 0,
  ...(isAcked && { acked }),
});
const stored = (quantity: number, offset = quantity, isSent = true): NewSideOrder => ({
  id: `id-${quantity}`,
  number: quantity,
  accountId: 'client-1',
  quantity,
  content: '',
  isSent,
  partition: 0,
  offset,
});

describe('the order of the writes of an account', () => {
  const writes = [1, 2, 3].map((serial) => written(serial));

  it('is kept in the files if a later state has all writes before those of the earlier one', () => {
    expect(gapsBetween([stored(2)], [stored(1), stored(2)], () => writes)).toEqual([]);
    expect(gapsBetween([stored(1)], [stored(1), stored(3)], () => writes)).toEqual([]);
  });

  it('is broken in the files if a write is there before its predecessor', () => {
    expect(gapsBetween([stored(1), stored(3)], [stored(1), stored(3)], () => writes)).toEqual([
      'legacy: client-1 has its write 3, but not yet its acknowledged write 2',
    ]);
  });

  it('is not broken by a write without an outcome', () => {
    expect(gapsBetween([stored(2)], [stored(2)], () => [written(1, false), written(2)])).toEqual([]);
    expect(outOfOrderOnTopic([stored(1, 9), stored(2, 3)], [written(1, false), written(2)])).toEqual([]);
  });

  it('is broken on the topic if a write comes after a later one', () => {
    expect(outOfOrderOnTopic([stored(1, 9), stored(2, 3)], writes)).toEqual([
      'new: client-1 has its write 1 after its write 2',
    ]);
    expect(outOfOrderOnTopic([stored(1), { ...stored(2), partition: 1 }], writes)).toHaveLength(1);
  });

  it('on the topic does not count orders that a backfill copied later', () => {
    expect(outOfOrderOnTopic([stored(1, 9, false), stored(2, 3)], writes)).toEqual([]);
  });
});
