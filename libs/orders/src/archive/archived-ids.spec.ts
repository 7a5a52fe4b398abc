import { describe, expect, it } from '@jest/globals';
import { UUID } from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { createOrderIds } from '../order/order-id.js';
import { ArchivedIds } from './archived-ids.js';
import { ArchivedList } from './archived-list.js';
import type { ArchivedRange } from './archived-ranges.js';
import { archivedRange } from './testing/archived-range.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const idAt = createOrderIds(OPERATION);
const IMPORTED = '0b0e5a2c-5d1f-4b5e-9d6b-3f0f6b1f2a01';
const POPULATE = archivedRange({ first: 1_101, last: 1_200, from: 100, operationId: OPERATION });
const IMPORT = archivedRange({ first: 5_001, last: 5_010, kind: 'import' });

function idsOf(...ranges: ArchivedRange[]) {
  const asked: string[][] = [];
  const list = new ArchivedList({ revision: async () => '1', ranges: async () => ranges }, new ManualClock());
  const ids = new ArchivedIds(list, async (wanted) => {
    asked.push([...wanted]);
    return wanted.includes(IMPORTED) ? [{ _id: new UUID(IMPORTED), first: 5_001 }] : [];
  });
  return { asked, ids };
}

describe('the ids of archived orders', () => {
  it('are computed for a populate', async () => {
    const { ids, asked } = idsOf(POPULATE);
    const found = await ids.find([idAt(99), idAt(100), idAt(199), idAt(200), IMPORTED]);
    expect([...found].map(([id, { _id }]) => [id, _id])).toEqual([
      [idAt(100), 1_101],
      [idAt(199), 1_101],
    ]);
    expect(asked).toEqual([]);
  });

  it('leave out what a cancelled populate has not sent', async () => {
    const runs = [
      { first: 1_101, last: 1_110 },
      { first: 1_151, last: 1_200 },
    ];
    const found = await idsOf({ ...POPULATE, runs }).ids.find([idAt(109), idAt(110), idAt(149), idAt(150)]);
    expect([...found.keys()]).toEqual([idAt(109), idAt(150)]);
  });

  it('are stored for other orders, and asked for only if they can be archived', async () => {
    const { ids, asked } = idsOf(POPULATE, IMPORT);
    const found = await ids.find([idAt(150), IMPORTED]);
    expect([found.get(idAt(150))?._id, found.get(IMPORTED)?._id]).toEqual([1_101, 5_001]);
    expect(asked).toEqual([[IMPORTED]]);
    const nothing = idsOf();
    expect([(await nothing.ids.find([IMPORTED])).size, nothing.asked]).toEqual([0, []]);
  });
});
