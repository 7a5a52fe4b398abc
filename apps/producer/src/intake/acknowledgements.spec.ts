import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { Acknowledgements, PAUSE_MS } from './acknowledgements.js';
import type { AcknowledgedBatch } from './intake-store.js';

const batch = (first: number): AcknowledgedBatch => ({ first, parts: [] });

describe('acknowledgements', () => {
  it('are written one after another with pauses, each with all that came meanwhile', async () => {
    const clock = new ManualClock();
    const writes: number[][] = [];
    const ends: (() => void)[] = [];
    const acknowledge = async (batches: readonly AcknowledgedBatch[]): Promise<void> => {
      writes.push(batches.map(({ first }) => first));
      await new Promise<void>((resolve) => void ends.push(resolve));
    };
    const acknowledgements = new Acknowledgements({ acknowledge }, clock, () => undefined);
    for (const first of [1, 2, 3]) acknowledgements.add(batch(first));
    ends[0]?.();
    await clock.advance(PAUSE_MS - 1);
    expect(writes).toEqual([[1]]);
    await clock.advance(1);
    ends[1]?.();
    await clock.advance(PAUSE_MS);
    await acknowledgements.flush();
    expect(writes).toEqual([[1], [2, 3]]);
  });

  it('are written again after a failure, until they are given up', async () => {
    const clock = new ManualClock();
    const writes: number[][] = [];
    const errors: unknown[] = [];
    let isAway = true;
    const acknowledge = async (batches: readonly AcknowledgedBatch[]): Promise<void> => {
      if (isAway) throw new Error('MongoDB is away');
      writes.push(batches.map(({ first }) => first));
      return Promise.resolve();
    };
    const acknowledgements = new Acknowledgements({ acknowledge }, clock, (error) => errors.push(error));
    acknowledgements.add(batch(1));
    await settle();
    acknowledgements.add(batch(2));
    isAway = false;
    await clock.advance(1_000);
    expect([writes, errors.length]).toEqual([[[1, 2]], 1]);
    isAway = true;
    acknowledgements.close();
    acknowledgements.add(batch(3));
    await acknowledgements.flush();
    expect([writes.length, errors.length]).toEqual([1, 2]);
  });
});
