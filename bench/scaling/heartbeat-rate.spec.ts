import { describe, expect, it } from '@jest/globals';
import { heartbeatRate } from './heartbeat-rate.js';

function told(_id: string, second: number, finished: number, deadLettered = 0) {
  return { _id, at: new Date(second * 1_000), finished, deadLettered };
}

describe('the rate of several consumers', () => {
  it('is the sum of theirs, each by its own times and without its dead letters', () => {
    const first = [told('a', 10, 1_000), told('b', 10.5, 0)];
    expect(heartbeatRate(first, [told('b', 20.5, 5_050, 50), told('a', 15, 2_000)])).toBe(500 + 200);
  });

  it('is none where one came, went, or fell silent', () => {
    const first = [told('a', 10, 1_000)];
    expect(() => heartbeatRate(first, [told('a', 20, 2_000), told('b', 20, 9)])).toThrow(RangeError);
    expect(() => heartbeatRate(first, [told('b', 20, 9)])).toThrow(RangeError);
    expect(() => heartbeatRate(first, first)).toThrow(RangeError);
  });
});
