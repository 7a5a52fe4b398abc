import { describe, expect, it } from '@jest/globals';
import type { OperationDocument } from '#orders/operation/operation.js';
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

describe('withoutOplog', () => {
  it('returns saved-then-gone if all orders of the number block were saved', () => {
    expect(withoutOplog(lost(150_000), operation)).toMatchObject({ blame: 'saved-then-gone' });
    expect(withoutOplog(lost(99_999), operation)).toEqual(lost(99_999));
  });

  it('does not change a faulty record, which was never saved', () => {
    expect(withoutOplog(lost(150_000, 'conflict'), operation)).toEqual(lost(150_000, 'conflict'));
  });
});
