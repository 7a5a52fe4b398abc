import { describe, expect, it } from '@jest/globals';
import type { ComparedWay } from './compared-way.js';
import { measuredWays, plannedWays } from './testing/example-report.js';

function find(ways: readonly ComparedWay[], wanted: string): ComparedWay {
  const found = ways.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`there is no ${wanted}`);
  return found;
}

describe('a way of a comparison', () => {
  it('has its theoretical line before it is measured, and nothing else', () => {
    const way = find(plannedWays(), 'unordered-1');
    expect(way).toMatchObject({ theorySeconds: 1, sampled: false, measuredOrders: 1_000 });
    expect([way.seconds, way.ordersPerSecond, way.ratio, way.timesFaster]).toEqual([null, null, null, null]);
  });

  it('is as fast as it was measured, where all orders were', () => {
    const way = find(
      measuredWays({ 'unordered-1': { seconds: 1.25, firstSaveSeconds: 0.1, warmUpSeconds: null } }),
      'unordered-1',
    );
    expect(way).toMatchObject({ seconds: 1.25, ordersPerSecond: 800, ratio: 0.8, timesFaster: null });
  });

  it('takes so much longer than its sample as its theoretical line does, once the first save has begun', () => {
    const planned = find(plannedWays(), 'one-after-another');
    expect(planned).toMatchObject({ sampled: true, theorySeconds: expect.closeTo(497.322) });
    const measured = { 'one-after-another': { seconds: 8, firstSaveSeconds: 2, warmUpSeconds: null } };
    const way = find(measuredWays(measured), 'one-after-another');
    // The sample takes nearly six seconds in theory, and took six.
    expect(way.seconds).toBeGreaterThan(2 + 497);
    expect(way.seconds).toBeLessThan(2 + 497 * 1.15);
    expect(way).toMatchObject({ measuredSeconds: 8, firstSaveSeconds: 2 });
  });

  it('is held against one after another, whichever was measured first', () => {
    const measured = {
      'unordered-2': { seconds: 2, firstSaveSeconds: 0, warmUpSeconds: null },
      'one-after-another': { seconds: 500, firstSaveSeconds: 0, warmUpSeconds: null },
    };
    const ways = measuredWays(measured, plannedWays(true));
    expect(find(ways, 'unordered-2').timesFaster).toBe(250);
    expect(find(ways, 'by-key-1').timesFaster).toBeNull();
  });

  it('must reach a second and a half without order, and nothing otherwise', () => {
    const wanted = plannedWays().filter(({ wantedSeconds }) => wantedSeconds !== null);
    expect(wanted.map(({ name }) => name)).toEqual(['unordered-1', 'unordered-2', 'unordered-4']);
  });
});
