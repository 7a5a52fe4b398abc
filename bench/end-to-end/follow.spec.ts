import { describe, expect, it } from '@jest/globals';
import type { Clock } from '#parallel-consumer/clock.js';
import { follow } from './follow.js';
import type { FollowedOperation } from './producer-client.js';

const OPERATION: FollowedOperation = {
  id: '01a20e65-570e-7570-bea6-26988d692e8b',
  status: 'running',
  acked: 0,
  saved: 0,
  deadLettered: 0,
  startedAt: '2026-01-31T12:00:00.000Z',
  finishedAt: null,
};
const FINISHED = { ...OPERATION, status: 'succeeded', finishedAt: '2026-01-31T12:00:01.000Z' } as const;

/** A clock that leaps to whatever is waited for. */
function leapingClock(): Clock {
  let time = 0;
  return {
    now: () => time,
    after: (milliseconds, run) => {
      time += milliseconds;
      queueMicrotask(run);
      return () => undefined;
    },
  };
}

/** Follows an operation of ten orders that answers so, one look after another. An Error is no answer. */
async function followed(...answers: readonly (FollowedOperation | Error)[]) {
  const left = [...answers];
  return follow({
    client: {
      operation: async () => {
        const answer = left.shift();
        if (answer === undefined) throw new Error('asked once too often');
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    watch: { look: async () => ({}) },
    id: OPERATION.id,
    orders: 10,
    clock: leapingClock(),
    startedAt: 0,
    print: () => undefined,
    signal: new AbortController().signal,
  });
}

describe('following a run', () => {
  it('ends when every order is saved or among the dead letters', async () => {
    const { samples } = await followed(
      { ...OPERATION, acked: 10, saved: 4 },
      { ...FINISHED, acked: 10, saved: 8, deadLettered: 2 },
    );
    expect(samples.map(({ second, saved }) => ({ second, saved }))).toEqual([
      { second: 1, saved: 4 },
      { second: 2, saved: 8 },
    ]);
  });

  it('leaves out the second in which the producer gave no answer', async () => {
    const { samples } = await followed(new Error('busy'), { ...FINISHED, acked: 10, saved: 10 });
    expect(samples).toHaveLength(1);
  });

  it('waits for the end of the emission to be told, but counts the time only until all was saved', async () => {
    const { samples, operation } = await followed(
      { ...OPERATION, acked: 10, saved: 10 },
      { ...FINISHED, acked: 10, saved: 10 },
    );
    expect({ samples: samples.length, status: operation.status }).toEqual({ samples: 1, status: 'succeeded' });
  });

  it('gives up when nothing moves for three minutes', async () => {
    const still = Array.from({ length: 200 }, () => ({ ...OPERATION, acked: 5, saved: 3 }));
    await expect(followed(...still)).rejects.toThrow('nothing moved for 180 s');
  });

  it('does not follow an emission that failed', async () => {
    await expect(followed({ ...FINISHED, status: 'failed' })).rejects.toThrow('the operation is failed');
  });
});
