import { describe, expect, it } from '@jest/globals';
import { linearScale } from './linear-scale.js';

describe('an axis', () => {
  it('has round ticks up to the first one at or above the highest value', () => {
    expect(linearScale(13_700, 5).ticks).toEqual([0, 5_000, 10_000, 15_000]);
    expect(linearScale(884, 10).ticks).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  it('ends at the highest value if that is a tick', () => {
    expect(linearScale(400, 4).end).toBe(400);
  });

  it('returns the position of a value', () => {
    const scale = linearScale(400, 4);
    expect([0, 100, 400].map(scale.at)).toEqual([0, 0.25, 1]);
  });

  it.each([0, -Infinity, Number.NaN])('ends at 1 without values (highest: %d)', (highest) => {
    expect(linearScale(highest, 4)).toMatchObject({ end: 1 });
  });

  it('supports values below 1', () => {
    expect(linearScale(0.03, 3).end).toBeCloseTo(0.03);
  });
});
