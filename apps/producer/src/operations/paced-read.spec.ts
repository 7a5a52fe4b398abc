import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '#parallel-consumer/testing/manual-clock.js';
import { PacedRead } from './paced-read.js';

/** A read that takes so long, and returns how often it was begun. */
function reading(tookMs: number, sharers = 1, mostPauseMs?: number) {
  const clock = new ManualClock();
  const state = { begun: 0, failure: undefined as Error | undefined };
  const read = new PacedRead(
    async () => {
      state.begun += 1;
      const value = state.begun;
      await new Promise<void>((resolve) => void clock.after(tookMs, resolve));
      if (state.failure) throw state.failure;
      return value;
    },
    { clock, sharers: () => sharers },
    mostPauseMs,
  );
  /** Lets 40 readers poll five times a second for so long. */
  const poll = async (seconds: number): Promise<void> => {
    for (let at = 0; at < seconds * 5; at += 1) {
      for (let reader = 0; reader < 40; reader += 1) void read.get();
      await clock.advance(200);
    }
  };
  return { clock, state, read, poll };
}

describe('a paced read', () => {
  it('is one for all who ask while it runs', async () => {
    const { clock, state, read } = reading(10);
    const all = Promise.all(Array.from({ length: 40 }, async () => read.get()));
    await clock.advance(10);
    expect(new Set(await all)).toEqual(new Set([1]));
    expect(state.begun).toBe(1);
  });

  it('takes at most 0.5 % of the time, however many ask', async () => {
    const { state, poll } = reading(100);
    await poll(100);
    expect(state.begun * 100).toBeLessThanOrEqual(500 + 100);
  });

  it('takes at most 5 % of the time where it is urgent', async () => {
    const { clock, state, read } = reading(100);
    for (let at = 0; at < 100 * 5; at += 1) {
      void read.get(true);
      await clock.advance(200);
    }
    expect(state.begun).toBeGreaterThanOrEqual(45);
    expect(state.begun).toBeLessThanOrEqual(51);
  });

  it('happens four times a second at the most where it costs nothing', async () => {
    const { state, poll } = reading(0);
    await poll(10);
    expect(state.begun).toBeGreaterThanOrEqual(20);
    expect(state.begun).toBeLessThanOrEqual(41);
  });

  it('shares the time with the reads of other operations, ten seconds apart at the most for that', async () => {
    const [three, thousand] = [reading(10, 3), reading(10, 1_000)];
    await three.poll(100);
    await thousand.poll(100);
    expect(three.state.begun).toBeLessThanOrEqual(18);
    expect(thousand.state.begun).toBeGreaterThanOrEqual(9);
  });

  it('of constant cost pauses no longer than it may, also on a busy machine', async () => {
    const { state, poll } = reading(100, 1, 1_000);
    await poll(22);
    expect(state.begun).toBeGreaterThanOrEqual(18);
  });

  it('does not happen without a reader', async () => {
    const { clock, state, poll } = reading(1);
    await poll(1);
    const { begun } = state;
    await clock.advance(3_600_000);
    expect(state.begun).toBe(begun);
  });

  it('that failed reaches those who waited, and the next caller tries again', async () => {
    const { clock, state, read } = reading(1);
    state.failure = new Error('no primary');
    const waiting = Promise.allSettled([read.get(), read.get()]);
    await clock.advance(1);
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    state.failure = undefined;
    const again = read.get();
    await clock.advance(1);
    expect(await again).toBe(2);
  });

  it('begins after the call when it must be new', async () => {
    const { clock, read } = reading(10);
    void read.get();
    await settle();
    const fresh = read.readNow();
    await clock.advance(20);
    expect(await fresh).toBe(2);
  });

  it('is spared where the caller has just set the value', async () => {
    const { state, read } = reading(10);
    read.set(100);
    expect([await read.get(), state.begun]).toEqual([100, 0]);
  });

  it('gives way to a value that was set meanwhile', async () => {
    const { clock, read } = reading(10);
    const old = read.get();
    await settle();
    read.set(100);
    await clock.advance(10);
    expect([await old, await read.get()]).toEqual([100, 100]);
  });
});
