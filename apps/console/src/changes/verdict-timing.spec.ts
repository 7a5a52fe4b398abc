import { describe, expect, it } from '@jest/globals';
import { backlogForVerdict } from './verdict-timing.js';

const ONE = { savedPerSecond: 2_000, from: 1, to: 1, inFlightLimit: 1_000 };

describe('the backlog that a verdict needs', () => {
  it('grows with the rate and with the consumers, and includes the orders in flight', () => {
    expect(backlogForVerdict({ ...ONE, to: 4 })).toBe(16_000 + 56_000 + 8_000);
    expect(backlogForVerdict({ ...ONE, savedPerSecond: 4_000, to: 4 })).toBe(160_000);
  });

  it('assumes no lower rate for fewer consumers: they may be as fast', () => {
    expect(backlogForVerdict({ ...ONE, savedPerSecond: 17_751, from: 3, to: 1, inFlightLimit: 18_000 })).toBe(190_000);
  });

  it('is 0 when nothing is saved and no limit is known', () => {
    expect(backlogForVerdict({ savedPerSecond: 0, from: 1, to: 2, inFlightLimit: 0 })).toBe(0);
  });
});
