import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { MassFailureDetector } from './mass-failure-detector.js';

const LIMIT = { records: 10, share: 0.5, partitions: 3, withinMs: 1_000 };

function createDetector() {
  const clock = new ManualClock();
  const detector = new MassFailureDetector(LIMIT, clock);
  /** Records that many failed records on that many partitions. @returns whether any of them was reported as a mass failure */
  const failed = (records: number, partitions: number): boolean =>
    Array.from({ length: records }, (_, index) => detector.failed(`orders-${index % partitions}`)).some(Boolean);
  const handled = (records: number): void => {
    for (let index = 0; index < records; index += 1) detector.handled();
  };
  return { clock, detector, failed, handled };
}

describe('MassFailureDetector', () => {
  it('detects a mass failure when more than half of the last records, on three partitions, have failed', () => {
    expect(createDetector().failed(5, 3)).toBe(false);
    expect(createDetector().failed(6, 3)).toBe(true);
  });

  it('detects none when exactly half of the last records have failed', () => {
    const { failed, handled } = createDetector();
    for (let round = 0; round < 50; round += 1) {
      expect(failed(1, 1)).toBe(false);
      handled(1);
    }
  });

  it('distinguishes partitions of several topics', () => {
    const { detector } = createDetector();
    const topics = ['orders', 'payments', 'refunds'];
    expect(Array.from({ length: 6 }, (_, index) => detector.failed(`${topics[index % 3]}-0`)).at(-1)).toBe(true);
  });

  it('detects none on two partitions, however many records have failed', () => {
    expect(createDetector().failed(100, 2)).toBe(false);
  });

  it('detects none when records fail slowly', async () => {
    const { clock, failed } = createDetector();
    for (let round = 0; round < 20; round += 1) {
      expect(failed(1, 1)).toBe(false);
      expect(failed(1, 3)).toBe(false);
      await clock.advance(500);
    }
  });

  it('requires a complete new mass failure after a reset', () => {
    const { detector, failed } = createDetector();
    expect(failed(6, 3)).toBe(true);
    detector.reset();
    expect(failed(5, 3)).toBe(false);
    expect(failed(1, 1)).toBe(true);
  });
});
