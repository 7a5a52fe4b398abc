import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { PacedRead } from './paced-read.js';

/** Creates a read that takes `tookMs` and returns how many reads were started. */
function createRead(tookMs: number, sharers = 1, maxPauseMs?: number) {
  const clock = new ManualClock();
  const state = { started: 0, failure: undefined as Error | undefined };
  const read = new PacedRead(
    async () => {
      state.started += 1;
      const value = state.started;
      await new Promise<void>((resolve) => void clock.after(tookMs, resolve));
      if (state.failure) throw state.failure;
      return value;
    },
    { clock, sharers: () => sharers },
    maxPauseMs,
  );
  /** Lets 40 readers poll five times a second. */
  const poll = async (seconds: number): Promise<void> => {
    for (let at = 0; at < seconds * 5; at += 1) {
      for (let reader = 0; reader < 40; reader += 1) void read.get();
      await clock.advance(200);
    }
  };
  return { clock, state, read, poll };
}

describe('PacedRead', () => {
  it('shares a running read among all callers', async () => {
    const { clock, state, read } = createRead(10);
    const all = Promise.all(Array.from({ length: 40 }, async () => read.get()));
    await clock.advance(10);
    expect(new Set(await all)).toEqual(new Set([1]));
    expect(state.started).toBe(1);
  });

  it('takes at most 0.5 % of the time for any number of callers', async () => {
    const { state, poll } = createRead(20);
    await poll(100);
    expect(state.started * 20).toBeLessThanOrEqual(500 + 20);
  });

  it.each([
    ['5 s old', 200, 100 / 5.2],
    ['5 % of the time', 2_000, 100 / 40],
  ])('reads a slow value again once it is %s', async (_when, tookMs, reads) => {
    const { state, poll } = createRead(tookMs);
    await poll(100);
    expect(state.started).toBeGreaterThanOrEqual(Math.floor(reads) - 1);
    expect(state.started).toBeLessThanOrEqual(Math.ceil(reads) + 1);
  });

  it('takes at most 5 % of the time when urgent', async () => {
    const { clock, state, read } = createRead(100);
    for (let at = 0; at < 100 * 5; at += 1) {
      void read.get(true);
      await clock.advance(200);
    }
    expect(state.started).toBeGreaterThanOrEqual(45);
    expect(state.started).toBeLessThanOrEqual(51);
  });

  it('reads at most four times a second when a read costs nothing', async () => {
    const { state, poll } = createRead(0);
    await poll(10);
    expect(state.started).toBeGreaterThanOrEqual(20);
    expect(state.started).toBeLessThanOrEqual(41);
  });

  it('shares the budget with other operations, and spreads reads by at most ten seconds', async () => {
    const [three, thousand] = [createRead(10, 3), createRead(10, 1_000)];
    await three.poll(100);
    await thousand.poll(100);
    expect(three.state.started).toBeLessThanOrEqual(18);
    expect(thousand.state.started).toBeGreaterThanOrEqual(9);
  });

  it('pauses no longer than the maximum, even on a busy machine', async () => {
    const { state, poll } = createRead(100, 1, 1_000);
    await poll(22);
    expect(state.started).toBeGreaterThanOrEqual(18);
  });

  it('does not read without a caller', async () => {
    const { clock, state, poll } = createRead(1);
    await poll(1);
    const { started } = state;
    await clock.advance(3_600_000);
    expect(state.started).toBe(started);
  });

  it('rejects all waiting callers when a read fails, and retries for the next caller', async () => {
    const { clock, state, read } = createRead(1);
    state.failure = new Error('no primary');
    const waiting = Promise.allSettled([read.get(), read.get()]);
    await clock.advance(1);
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    state.failure = undefined;
    const again = read.get();
    await clock.advance(1);
    expect(await again).toBe(2);
  });

  it('starts a new read after the call with readNow', async () => {
    const { clock, read } = createRead(10);
    void read.get();
    await settle();
    const fresh = read.readNow();
    await clock.advance(20);
    expect(await fresh).toBe(2);
  });

  it('does not read when the value was just set', async () => {
    const { state, read } = createRead(10);
    read.set(100);
    expect([await read.get(), state.started]).toEqual([100, 0]);
  });

  it('prefers a value that was set during a read', async () => {
    const { clock, read } = createRead(10);
    const old = read.get();
    await settle();
    read.set(100);
    await clock.advance(10);
    expect([await old, await read.get()]).toEqual([100, 100]);
  });
});
