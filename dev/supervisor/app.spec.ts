import { describe, expect, it } from '@jest/globals';
import { restartDelayMs } from './app.js';

describe('the wait before a crashed app is started again', () => {
  it('doubles from half a second and ends at ten', () => {
    expect([1, 2, 3, 4, 5, 6, 50].map((crashes) => restartDelayMs(crashes))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });
});
