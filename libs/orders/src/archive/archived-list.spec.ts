import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ArchivedList } from './archived-list.js';
import type { ArchivedRange } from './archived-ranges.js';
import { archivedRange } from './testing/archived-range.js';

function listOf(...ranges: ArchivedRange[]) {
  const clock = new ManualClock();
  const source = { ranges, revision: '1', reads: 0 };
  const list = new ArchivedList(
    {
      revision: async () => source.revision,
      ranges: async () => {
        source.reads += 1;
        return source.ranges;
      },
    },
    clock,
  );
  return { clock, source, list };
}

const INTAKE = archivedRange({
  first: 301,
  last: 330,
  kind: 'intake',
  runs: [
    { first: 301, last: 310 },
    { first: 321, last: 330 },
  ],
});

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
    const { list } = listOf(
      archivedRange({ first: 1, last: 100 }),
      archivedRange({ first: 101, last: 200 }),
      archivedRange({ first: 201, last: 300, state: 'removing' }),
      INTAKE,
    );
    await list.refresh();
    const share = (first: number, last: number) => list.shareOf({ first, last });
    expect([share(1, 200), share(50, 150), share(321, 330)]).toEqual(['all', 'all', 'all']);
    expect([share(100, 201), share(201, 300), share(301, 330)]).toEqual(['some', 'some', 'some']);
    expect([share(311, 320), share(331, 400)]).toEqual(['none', 'none']);
  });

  it('is read again only after a change, and only if it is older than it may be', async () => {
    const { clock, source, list } = listOf();
    expect((await list.fresh(1_000)).isEmpty).toBe(true);
    source.ranges = [archivedRange({ first: 1, last: 9 })];
    source.revision = '2';
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
    source.ranges = [archivedRange({ first: 1, last: 9 })];
    source.revision = '2';
    await list.refresh();
    expect(list.settledVersion).toBe('2');
  });
});
