import { describe, expect, it } from '@jest/globals';
import { movingMean } from './moving-mean.js';

describe('the moving mean', () => {
  it('covers half a width before and after each point, and less at the ends', () => {
    const points = [0, 30, 60, 0, 30].map((y, x) => ({ x, y }));
    expect(movingMean(points, 2)).toEqual([
      { x: 0, y: 15 },
      { x: 1, y: 30 },
      { x: 2, y: 30 },
      { x: 3, y: 30 },
      { x: 4, y: 15 },
    ]);
  });

  it('uses the x values, not the number of points, where a second is missing', () => {
    const points = [
      { x: 0, y: 10 },
      { x: 5, y: 20 },
      { x: 6, y: 40 },
    ];
    expect(movingMean(points, 2).map(({ y }) => y)).toEqual([10, 30, 30]);
  });

  it('is empty without points', () => {
    expect(movingMean([], 5)).toEqual([]);
  });
});
