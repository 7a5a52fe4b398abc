import { describe, expect, it } from '@jest/globals';
import type { ComparedWay } from './compared-way.js';
import { measuredWays, plannedWays } from './testing/example-report.js';

function find(ways: readonly ComparedWay[], wanted: string): ComparedWay {
  const found = ways.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`there is no ${wanted}`);
  return found;
}

describe('a way of a comparison', () => {
  it('has only its theoretical minimum before it is measured', () => {
    const way = find(plannedWays(), 'unordered-1');
    expect(way).toMatchObject({ theorySeconds: 1, sampled: false, measuredOrders: 1_000 });
    expect([way.seconds, way.ordersPerSecond, way.ratio, way.timesFaster]).toEqual([null, null, null, null]);
  });

  it('has the measured time if all orders were measured', () => {
    const way = find(
      measuredWays({ 'unordered-1': { seconds: 1.25, firstSaveSeconds: 0.1, warmUpSeconds: null } }),
      'unordered-1',
    );
    expect(way).toMatchObject({ seconds: 1.25, ordersPerSecond: 800, ratio: 0.8, timesFaster: null });
  });

  it('scales the time of a sample, after the first save has begun, by the ratio of the theoretical minimums', () => {
    const planned = find(plannedWays(), 'one-after-another');
    expect(planned).toMatchObject({ sampled: true, theorySeconds: expect.closeTo(497.322) });
    const measured = { 'one-after-another': { seconds: 8, firstSaveSeconds: 2, warmUpSeconds: null } };
    const way = find(measuredWays(measured), 'one-after-another');
    // In theory the sample takes nearly 6 s; it took 6 s.
    expect(way.seconds).toBeGreaterThan(2 + 497);
    expect(way.seconds).toBeLessThan(2 + 497 * 1.15);
    expect(way).toMatchObject({ measuredSeconds: 8, firstSaveSeconds: 2 });
  });

  it('is compared with one after another, whichever was measured first', () => {
    const measured = {
      'unordered-2': { seconds: 2, firstSaveSeconds: 0, warmUpSeconds: null },
      'one-after-another': { seconds: 500, firstSaveSeconds: 0, warmUpSeconds: null },
    };
    const ways = measuredWays(measured, plannedWays(true));
    expect(find(ways, 'unordered-2').timesFaster).toBe(250);
    expect(find(ways, 'by-key-1').timesFaster).toBeNull();
  });

  it('must reach 1.5 s without order, and has no target otherwise', () => {
    const wanted = plannedWays().filter(({ wantedSeconds }) => wantedSeconds !== null);
    expect(wanted.map(({ name }) => name)).toEqual(['unordered-1', 'unordered-2', 'unordered-4']);
  });
});
