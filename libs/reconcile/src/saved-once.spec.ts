import { describe, expect, it } from '@jest/globals';
import type { OperationDocument } from '#orders/operation.js';
import type { MissingRecord } from './report.js';
import { withoutOplog } from './saved-once.js';

const operation = { fullBlocks: [1] } as unknown as OperationDocument;
const lost = (index: number, fault: MissingRecord['fault'] = null): MissingRecord => ({
  index,
  number: index + 1,
  id: 'x',
  fault,
  partition: 0,
  offset: 0,
  blame: 'committed-past',
});

describe('an order that is missing', () => {
  it('was there before when all of its block of numbers was', () => {
    expect(withoutOplog(lost(150_000), operation)).toMatchObject({ blame: 'saved-then-gone' });
    expect(withoutOplog(lost(99_999), operation)).toEqual(lost(99_999));
  });

  it('says nothing of a faulty record with its index, which never was an order', () => {
    expect(withoutOplog(lost(150_000, 'conflict'), operation)).toEqual(lost(150_000, 'conflict'));
  });
});
