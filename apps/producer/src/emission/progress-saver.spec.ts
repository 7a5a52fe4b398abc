import { describe, expect, it } from '@jest/globals';
import type { AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import { ManualClock, settle } from '#parallel-consumer/testing/manual-clock.js';
import { ProgressSaver } from './progress-saver.js';
import type { SegmentProgress } from './segment-leases.js';

const FAULTS = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };

/** A saver onto a store that answers when it is told to. */
function saving() {
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

describe('the progress of an emission', () => {
  it('is stored every quarter of a second, with all chunks since, and nobody waits for it', async () => {
    const { clock, stored, answers, note } = saving();
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

  it('is waited for when storing it takes a second', async () => {
    const { clock, answers, note } = saving();
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

  it('leaves the chunks of a store that failed to whoever stores next, and tells of the failure', async () => {
    const { clock, answers, note, saver } = saving();
    await clock.advance(250);
    await note(0);
    await note(10);
    const away = new Error('no primary');
    answers[0]?.reject(away);
    await expect(saver.finish()).rejects.toBe(away);
    expect((await saver.finish()).map(({ _id }) => _id.from)).toEqual([0, 10]);
  });

  it('is known to whoever must store it when the emission breaks off', async () => {
    const { note, saver } = saving();
    expect(saver.reached).toBeUndefined();
    await note(0);
    await note(10);
    expect([saver.reached?.ackedTo, (await saver.finish()).length]).toEqual([20, 2]);
  });

  it('ends the emission when an earlier store has failed', async () => {
    const { clock, answers, note } = saving();
    await clock.advance(250);
    await note(0);
    const lost = new Error('lease lost');
    answers[0]?.reject(lost);
    await clock.advance(1_000);
    await expect(note(10)).rejects.toBe(lost);
  });
});
