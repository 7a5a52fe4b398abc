import { describe, expect, it } from '@jest/globals';
import { UUID } from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { createOrderIds } from '../order/order.js';
import { ArchivedIds } from './archived-ids.js';
import { ArchivedList, type ArchivedRange } from './archived-ranges.js';
import { archivedRange } from './testing/archived-range.js';

function listOf(...ranges: ArchivedRange[]) {
  const clock = new ManualClock();
  const source = { ranges, revision: '1', reads: 0 };
  const read = async (): Promise<ArchivedRange[]> => {
    source.reads += 1;
    return source.ranges;
  };
  return { clock, source, list: new ArchivedList({ revision: async () => source.revision, ranges: read }, clock) };
}

const RUNS = [
  { first: 301, last: 310 },
  { first: 321, last: 330 },
];
const INTAKE = archivedRange({ first: 301, last: 330, kind: 'intake', runs: RUNS });

describe('the list of archived ranges', () => {
  it('finds the range of a number, also between the runs of another one', async () => {
    const between = archivedRange({ first: 311, last: 320 });
    const { list } = listOf(archivedRange({ first: 1, last: 100 }), between, INTAKE);
    await list.refresh();
    const found = (number: number): number | undefined => list.find(number)?._id;
    expect([0, 1, 100, 101, 300].map(found)).toEqual([undefined, 1, 1, undefined, undefined]);
    expect([301, 310, 311, 320, 321, 330, 331].map(found)).toEqual([301, 301, 311, 311, 301, 301, undefined]);
  });

  it('knows whether all, some or none of an interval is removed', async () => {
    const archived = [archivedRange({ first: 1, last: 100 }), archivedRange({ first: 101, last: 200 })];
    const { list } = listOf(...archived, archivedRange({ first: 201, last: 300, state: 'removing' }), INTAKE);
    await list.refresh();
    const share = (first: number, last: number) => list.shareOf({ first, last });
    expect([share(1, 200), share(50, 150), share(321, 330)]).toEqual(['all', 'all', 'all']);
    expect([share(100, 201), share(201, 300), share(301, 330)]).toEqual(['some', 'some', 'some']);
    expect([share(311, 320), share(331, 400)]).toEqual(['none', 'none']);
  });

  it('is read again only after a change, and only if it is older than it may be', async () => {
    const { clock, source, list } = listOf();
    expect((await list.fresh(1_000)).isEmpty).toBe(true);
    Object.assign(source, { ranges: [archivedRange({ first: 1, last: 9 })], revision: '2' });
    await clock.advance(1_000);
    expect((await list.fresh(1_000)).isEmpty).toBe(true);
    await clock.advance(1);
    expect((await list.fresh(1_000)).find(9)?._id).toBe(1);
    await clock.advance(5_000);
    await list.fresh(1_000);
    expect(source.reads).toBe(2);
  });

  it('has a settled version only while no orders are moved', async () => {
    const { source, list } = listOf(archivedRange({ first: 1, last: 9, state: 'returning' }));
    await list.refresh();
    expect(list.settledVersion).toBeUndefined();
    Object.assign(source, { ranges: [archivedRange({ first: 1, last: 9 })], revision: '2' });
    await list.refresh();
    expect(list.settledVersion).toBe('2');
  });
});

describe('the ids of archived orders', () => {
  const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
  const IMPORTED = '0b0e5a2c-5d1f-4b5e-9d6b-3f0f6b1f2a01';
  const POPULATE = archivedRange({ first: 1_101, last: 1_200, from: 100, operationId: OPERATION });
  const IMPORT = archivedRange({ first: 5_001, last: 5_010, kind: 'import' });
  const idAt = createOrderIds(OPERATION);

  /** Finds ids, and returns the first numbers of their ranges, and what MongoDB was asked for. */
  async function find(ids: readonly string[], ...ranges: ArchivedRange[]) {
    const asked: string[][] = [];
    const archived = new ArchivedIds(listOf(...ranges).list, async (wanted) => {
      asked.push([...wanted]);
      return wanted.includes(IMPORTED) ? [{ _id: new UUID(IMPORTED), first: 5_001 }] : [];
    });
    const found = [...(await archived.find(ids))].map(([id, { _id }]) => [id, _id]);
    return { asked, found: Object.fromEntries(found) as unknown };
  }

  it('are computed for a populate', async () => {
    expect(await find([idAt(99), idAt(100), idAt(199), idAt(200), IMPORTED], POPULATE)).toEqual({
      found: { [idAt(100)]: 1_101, [idAt(199)]: 1_101 },
      asked: [],
    });
  });

  it('leave out what a cancelled populate has not sent', async () => {
    const runs = [
      { first: 1_101, last: 1_110 },
      { first: 1_151, last: 1_200 },
    ];
    const { found } = await find([idAt(109), idAt(110), idAt(149), idAt(150)], { ...POPULATE, runs });
    expect(found).toEqual({ [idAt(109)]: 1_101, [idAt(150)]: 1_101 });
  });

  it('are stored for other orders, and asked for only if they can be archived', async () => {
    expect(await find([idAt(150), IMPORTED], POPULATE, IMPORT)).toEqual({
      found: { [idAt(150)]: 1_101, [IMPORTED]: 5_001 },
      asked: [[IMPORTED]],
    });
    expect(await find([IMPORTED])).toEqual({ found: {}, asked: [] });
  });
});
