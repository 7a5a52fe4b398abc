import { describe, expect, it } from '@jest/globals';
import type { AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { ProgressSaver } from './progress-saver.js';
import type { SegmentProgress } from './segment-leases.js';

const FAULTS = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };

/** Creates a saver whose store resolves when the test resolves `answers`. */
function createSaver() {
  const clock = new ManualClock();
  const stored: { ackedTo: number; chunks: number[] }[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const store = async ({ ackedTo }: SegmentProgress, chunks: readonly AcknowledgedChunk[]): Promise<void> => {
    stored.push({ ackedTo, chunks: chunks.map(({ _id }) => _id.from) });
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    return answer.promise;
  };
  const saver = new ProgressSaver(store, clock);
  const note = async (from: number): Promise<void> =>
    saver.note(
      { generatedTo: from + 20, ackedTo: from + 10, faults: FAULTS },
      { _id: { operationId: 'x', from }, to: from + 10, parts: [] },
    );
  return { clock, stored, answers, saver, note };
}

describe('ProgressSaver', () => {
  it('stores the progress and all new chunks every 250 ms without blocking the emission', async () => {
    const { clock, stored, answers, note } = createSaver();
    await note(0);
    expect(stored).toEqual([]);
    await clock.advance(250);
    await note(10);
    expect(stored).toEqual([{ ackedTo: 20, chunks: [0, 10] }]);
    await clock.advance(250);
    await note(20);
    expect(stored).toHaveLength(1);
    answers[0]?.resolve();
    await settle();
    await note(30);
    expect(stored[1]).toEqual({ ackedTo: 40, chunks: [20, 30] });
  });

  it('blocks the emission when a store takes a second', async () => {
    const { clock, answers, note } = createSaver();
    await clock.advance(250);
    await note(0);
    await clock.advance(1_000);
    let isNoted = false;
    const noting = note(10).finally(() => {
      isNoted = true;
    });
    await settle();
    expect(isNoted).toBe(false);
    answers[0]?.resolve();
    await noting;
    expect(isNoted).toBe(true);
  });

  it('rethrows a failed store and keeps its chunks for the next one', async () => {
    const { clock, answers, note, saver } = createSaver();
    await clock.advance(250);
    await note(0);
    await note(10);
    const unavailable = new Error('no primary');
    answers[0]?.reject(unavailable);
    await expect(saver.finish()).rejects.toBe(unavailable);
    expect((await saver.finish()).map(({ _id }) => _id.from)).toEqual([0, 10]);
  });

  it('exposes the last progress and the unsaved chunks', async () => {
    const { note, saver } = createSaver();
    expect(saver.reached).toBeUndefined();
    await note(0);
    await note(10);
    expect([saver.reached?.ackedTo, (await saver.finish()).length]).toEqual([20, 2]);
  });

  it('throws when an earlier store has failed', async () => {
    const { clock, answers, note } = createSaver();
    await clock.advance(250);
    await note(0);
    const lost = new Error('lease lost');
    answers[0]?.reject(lost);
    await clock.advance(1_000);
    await expect(note(10)).rejects.toBe(lost);
  });
});
