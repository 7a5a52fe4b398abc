import { describe, expect, it } from '@jest/globals';
import { linearScale } from './linear-scale.js';

describe('an axis', () => {
  it('has round ticks up to the first that is not below the highest value', () => {
    expect(linearScale(13_700, 5).ticks).toEqual([0, 5_000, 10_000, 15_000]);
    expect(linearScale(884, 10).ticks).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  it('ends at the highest value where that is a tick', () => {
    expect(linearScale(400, 4).end).toBe(400);
  });

  it('tells where a value stands on it', () => {
    const scale = linearScale(400, 4);
    expect([0, 100, 400].map(scale.at)).toEqual([0, 0.25, 1]);
  });

  it.each([0, -Infinity, Number.NaN])('stands also without values (highest: %d)', (highest) => {
    expect(linearScale(highest, 4)).toMatchObject({ end: 1 });
  });

  it('takes values below 1', () => {
    expect(linearScale(0.03, 3).end).toBeCloseTo(0.03);
  });
});
