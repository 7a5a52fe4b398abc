import { describe, expect, it } from '@jest/globals';
import { heartbeatRate } from './heartbeat-rate.js';

function heartbeat(_id: string, second: number, finished: number, deadLettered = 0) {
  return { _id, at: new Date(second * 1_000), finished, deadLettered };
}

describe('the rate of several consumers', () => {
  it('is the sum of their rates, each by its own times and without its dead letters', () => {
    const first = [heartbeat('a', 10, 1_000), heartbeat('b', 10.5, 0)];
    expect(heartbeatRate(first, [heartbeat('b', 20.5, 5_050, 50), heartbeat('a', 15, 2_000)])).toBe(500 + 200);
  });

  it('throws when a consumer starts, stops or sends no heartbeat', () => {
    const first = [heartbeat('a', 10, 1_000)];
    expect(() => heartbeatRate(first, [heartbeat('a', 20, 2_000), heartbeat('b', 20, 9)])).toThrow(RangeError);
    expect(() => heartbeatRate(first, [heartbeat('b', 20, 9)])).toThrow(RangeError);
    expect(() => heartbeatRate(first, first)).toThrow(RangeError);
  });
});
