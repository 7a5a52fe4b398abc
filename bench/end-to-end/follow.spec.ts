import { describe, expect, it } from '@jest/globals';
import type { Clock } from '@orders-pipeline/clock';
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

/** A clock that jumps to the end of each wait. */
function jumpingClock(): Clock {
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

/** Follows an operation of ten orders with these successive answers. An Error is a failed request. */
async function followAnswers(...answers: readonly (FollowedOperation | Error)[]) {
  const left = [...answers];
  return follow({
    client: {
      operation: async () => {
        const answer = left.shift();
        if (answer === undefined) throw new Error('one request too many');
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    watch: { sample: async () => ({}) },
    id: OPERATION.id,
    orders: 10,
    clock: jumpingClock(),
    startedAt: 0,
    print: () => undefined,
    signal: new AbortController().signal,
  });
}

describe('following a run', () => {
  it('ends when every order is saved or among the dead letters', async () => {
    const { samples } = await followAnswers(
      { ...OPERATION, acked: 10, saved: 4 },
      { ...FINISHED, acked: 10, saved: 8, deadLettered: 2 },
    );
    expect(samples.map(({ second, saved }) => ({ second, saved }))).toEqual([
      { second: 1, saved: 4 },
      { second: 2, saved: 8 },
    ]);
  });

  it('skips a second in which the producer did not answer', async () => {
    const { samples } = await followAnswers(new Error('busy'), { ...FINISHED, acked: 10, saved: 10 });
    expect(samples).toHaveLength(1);
  });

  it('waits until the emission is reported as finished, but counts the time only until all orders are saved', async () => {
    const { samples, operation } = await followAnswers(
      { ...OPERATION, acked: 10, saved: 10 },
      { ...FINISHED, acked: 10, saved: 10 },
    );
    expect({ samples: samples.length, status: operation.status }).toEqual({ samples: 1, status: 'succeeded' });
  });

  it('fails without progress for three minutes', async () => {
    const still = Array.from({ length: 200 }, () => ({ ...OPERATION, acked: 5, saved: 3 }));
    await expect(followAnswers(...still)).rejects.toThrow('no progress for 180 s');
  });

  it('fails when the emission has failed', async () => {
    await expect(followAnswers({ ...FINISHED, status: 'failed' })).rejects.toThrow(
      'the operation has the status failed',
    );
  });
});
