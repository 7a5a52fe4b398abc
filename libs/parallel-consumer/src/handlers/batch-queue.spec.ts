import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { pause } from '@orders-pipeline/clock';
import { BatchQueue } from './batch-queue.js';

const WRITE_MS = 200;

function queueOfPairs() {
  const clock = new ManualClock();
  const written: number[][] = [];
  const write = async (items: readonly number[]): Promise<() => void> => {
    written.push([...items]);
    await pause(clock, WRITE_MS);
    return () => undefined;
  };
  const queue = new BatchQueue<number>(write, { maxBatchSize: 10, maxBatchWaitMs: 1_000, clock }, () => 2);
  return { clock, written, queue };
}

describe('a batch that probably is full', () => {
  it('is written after the items that arrive together with its last one', async () => {
    const { clock, written, queue } = queueOfPairs();
    for (const item of [1, 2, 3]) queue.add(item);
    expect(written).toEqual([]);
    await clock.advance(0);
    expect(written).toEqual([[1, 2], [3]]);
  });

  it('does not wait for the rest of the writer', async () => {
    const { clock, written, queue } = queueOfPairs();
    queue.add(1);
    await clock.advance(WRITE_MS);
    queue.add(2);
    await clock.advance(1);
    expect(written).toEqual([[1]]);
    queue.add(3);
    await clock.advance(0);
    expect(written).toEqual([[1], [2, 3]]);
  });
});
