import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { MassFailureDetector } from './mass-failure-detector.js';

const LIMIT = { records: 10, share: 0.5, partitions: 3, withinMs: 1_000 };

function createBreaker() {
  const clock = new ManualClock();
  const poison = new MassFailureDetector(LIMIT, clock);
  /** Records that many poison records on that many partitions. @returns whether any of them was reported as a storm */
  const poisoned = (records: number, partitions: number): boolean =>
    Array.from({ length: records }, (_, index) => poison.failed(`orders-${index % partitions}`)).some(Boolean);
  const handled = (records: number): void => {
    for (let index = 0; index < records; index += 1) poison.handled();
  };
  return { clock, poison, poisoned, handled };
}

describe('MassFailureDetector', () => {
  it('detects a storm when more than half of the last records, on three partitions, are poison', () => {
    expect(createBreaker().poisoned(5, 3)).toBe(false);
    expect(createBreaker().poisoned(6, 3)).toBe(true);
  });

  it('detects no storm when exactly half of the last records are poison', () => {
    const { poisoned, handled } = createBreaker();
    for (let round = 0; round < 50; round += 1) {
      expect(poisoned(1, 1)).toBe(false);
      handled(1);
    }
  });

  it('distinguishes partitions of several topics', () => {
    const { poison } = createBreaker();
    const topics = ['orders', 'payments', 'refunds'];
    expect(Array.from({ length: 6 }, (_, index) => poison.failed(`${topics[index % 3]}-0`)).at(-1)).toBe(true);
  });

  it('detects no storm on two partitions, however many records are poison', () => {
    expect(createBreaker().poisoned(100, 2)).toBe(false);
  });

  it('detects no storm when poison records arrive slowly', async () => {
    const { clock, poisoned } = createBreaker();
    for (let round = 0; round < 20; round += 1) {
      expect(poisoned(1, 1)).toBe(false);
      expect(poisoned(1, 3)).toBe(false);
      await clock.advance(500);
    }
  });

  it('requires a complete new storm after a reset', () => {
    const { poison, poisoned } = createBreaker();
    expect(poisoned(6, 3)).toBe(true);
    poison.reset();
    expect(poisoned(5, 3)).toBe(false);
    expect(poisoned(1, 1)).toBe(true);
  });
});
