import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { PoisonBreaker } from './poison-breaker.js';

const LIMIT = { records: 10, share: 0.5, partitions: 3, withinMs: 1_000 };

function breaker() {
  const clock = new ManualClock();
  const poison = new PoisonBreaker(LIMIT, clock);
  /** @returns whether any of so many poison records, on so many partitions, made it a storm */
  const poisoned = (records: number, partitions: number): boolean =>
    Array.from({ length: records }, (_, index) => poison.poison(index % partitions)).some(Boolean);
  const handled = (records: number): void => {
    for (let index = 0; index < records; index += 1) poison.handled();
  };
  return { clock, poison, poisoned, handled };
}

describe('a storm of poison', () => {
  it('is more than half of the last records, on three partitions', () => {
    expect(breaker().poisoned(5, 3)).toBe(false);
    expect(breaker().poisoned(6, 3)).toBe(true);
  });

  it('is not half of them', () => {
    const { poisoned, handled } = breaker();
    for (let round = 0; round < 50; round += 1) {
      expect(poisoned(1, 1)).toBe(false);
      handled(1);
    }
  });

  it('is none on two partitions, however many they are', () => {
    expect(breaker().poisoned(100, 2)).toBe(false);
  });

  it('is none when it comes slowly', async () => {
    const { clock, poisoned } = breaker();
    for (let round = 0; round < 20; round += 1) {
      expect(poisoned(1, 1)).toBe(false);
      expect(poisoned(1, 3)).toBe(false);
      await clock.advance(500);
    }
  });

  it('must come again as a whole after a reset', () => {
    const { poison, poisoned } = breaker();
    expect(poisoned(6, 3)).toBe(true);
    poison.reset();
    expect(poisoned(5, 3)).toBe(false);
    expect(poisoned(1, 1)).toBe(true);
  });
});
