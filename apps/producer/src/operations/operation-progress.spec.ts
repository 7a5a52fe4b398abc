import { describe, expect, it } from '@jest/globals';
import { pause } from '@orders-pipeline/clock';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { type SegmentedDocument, createSegments } from '#orders/operation/operation.js';
import { PacedRead, SavedCount } from './operation-progress.js';

const NONE = { deadLettered: 0, discarded: 0 };
const at = (seconds: number): Date => new Date(seconds * 1_000);

/** Creates an operation of 100 orders, all acknowledged. */
function operation(fields: Partial<SegmentedDocument>): SegmentedDocument {
  const [segment] = createSegments(100);
  return { status: 'running', segments: [{ ...segment, ackedTo: 100 }], ...fields } as SegmentedDocument;
}

/** Creates a figure of an operation with these fields. @param saved what an exact count returns */
function createFigure(fields: Partial<SegmentedDocument>, saved = 0, letters = NONE) {
  const clock = new ManualClock();
  /** The times of exact counts. */
  const counts: number[] = [];
  const errors: unknown[] = [];
  const exact = { saved, letters, tookMs: 0, failure: undefined as Error | undefined };
  const count = async () => {
    counts.push(clock.now());
    if (exact.tookMs > 0) await pause(clock, exact.tookMs);
    if (exact.failure) throw exact.failure;
    return { saved: exact.saved, letters: exact.letters, asOf: new Date(clock.now()) };
  };
  const budget = { clock, sharers: () => 1 };
  const figure = new SavedCount(operation(fields), count, budget, (error) => errors.push(error));
  figure.update(operation(fields), at(0));
  return { clock, counts, errors, exact, figure };
}

describe('SavedCount', () => {
  it('is the number that consumers have reported, without a count', async () => {
    const { counts, figure } = createFigure({ reportedSaved: 40 });
    expect(await figure.current(NONE)).toEqual({ saved: 40, savedAsOf: at(0) });
    figure.update(operation({ reportedSaved: 50 }), at(1));
    expect(await figure.current(NONE)).toEqual({ saved: 50, savedAsOf: at(1) });
    expect(counts).toEqual([]);
  });

  it('never decreases, nor does its time, when an older document is read later', async () => {
    const { figure } = createFigure({ reportedSaved: 40 });
    figure.update(operation({ reportedSaved: 60, countedSaved: 70 }), at(2));
    figure.update(operation({ reportedSaved: 50 }), at(1));
    expect(await figure.current(NONE)).toEqual({ saved: 70, savedAsOf: at(2) });
  });

  it.each<[string, Partial<SegmentedDocument>]>([
    ['nothing was reported, as for an operation of an earlier version', {}],
    ['all orders were sent: reports may have been lost before', { status: 'succeeded', reportedSaved: 80 }],
  ])('is counted once for its first reader if %s', async (_, fields) => {
    const { counts, figure } = createFigure(fields, 100);
    expect(await figure.current(NONE)).toMatchObject({ saved: 100 });
    await figure.current(NONE);
    expect(counts).toEqual([0]);
  });

  it('is counted for the first reader after some time: reports may have been lost meanwhile', async () => {
    const { clock, exact, counts, figure } = createFigure({ status: 'succeeded', reportedSaved: 80 }, 85);
    await figure.current(NONE);
    await clock.advance(50_000);
    exact.saved = 100;
    figure.update(operation({ status: 'succeeded', reportedSaved: 99 }), at(50));
    expect(await figure.current(NONE)).toEqual({ saved: 100, savedAsOf: at(50) });
    expect(counts).toEqual([0, 50_000]);
  });

  it('is returned to its first reader after a second if the count takes longer', async () => {
    const { clock, exact, figure } = createFigure({ status: 'succeeded', reportedSaved: 90 }, 95);
    exact.tookMs = 5_000;
    const first = figure.current(NONE);
    await settle();
    await clock.advance(1_000);
    expect(await first).toMatchObject({ saved: 90 });
    await clock.advance(4_000);
    expect(await figure.current(NONE)).toMatchObject({ saved: 95 });
  });

  it('is counted when it stops rising below the acknowledged orders, because reports were lost', async () => {
    const { clock, counts, figure } = createFigure({ reportedSaved: 90 }, 100);
    await clock.advance(2_999);
    await figure.current(NONE);
    expect(counts).toEqual([]);
    await clock.advance(1);
    await figure.current(NONE);
    await settle();
    expect(await figure.current(NONE)).toMatchObject({ saved: 100 });
    await clock.advance(60_000);
    await figure.current(NONE);
    expect(counts).toEqual([3_000]);
  });

  it('is counted again within 20 times the duration of a count, while it does not rise', async () => {
    const { clock, counts, exact, figure } = createFigure({ reportedSaved: 90 }, 90);
    exact.tookMs = 100;
    await clock.advance(3_000);
    for (let turn = 0; turn < 10; turn += 1) {
      void figure.current(NONE);
      await settle();
      await clock.advance(1_000);
    }
    expect(counts.slice(0, 2)).toEqual([3_000, 5_000]);
  });

  it('is not counted when all orders are saved or dead-lettered', async () => {
    const { clock, counts, figure } = createFigure({ status: 'paused', reportedSaved: 97 });
    await clock.advance(60_000);
    await figure.current({ deadLettered: 2, discarded: 1 });
    expect(counts).toEqual([]);
  });

  it('is quiet once all orders were sent and it has not changed for three seconds', async () => {
    const { clock, figure } = createFigure({ status: 'running', reportedSaved: 90 });
    await clock.advance(3_000);
    expect(figure.isQuiet).toBe(false);
    figure.update(operation({ status: 'succeeded', reportedSaved: 91 }), at(3));
    expect(figure.isQuiet).toBe(false);
    await clock.advance(3_000);
    expect(figure.isQuiet).toBe(true);
  });

  it('keeps its value when a count fails, and reports the error', async () => {
    const { clock, exact, errors, figure } = createFigure({ reportedSaved: 90 });
    exact.failure = new Error('no primary');
    await clock.advance(3_000);
    expect(await figure.current(NONE)).toMatchObject({ saved: 90 });
    await settle();
    expect(errors).toEqual([exact.failure]);
  });
});

describe('hasAllResults', () => {
  it('is decided by an exact count, once the figures are complete', async () => {
    const { counts, exact, figure } = createFigure({ status: 'succeeded', reportedSaved: 99 }, 99);
    expect(await figure.hasAllResults(NONE)).toBe(false);
    expect(counts).toEqual([]);
    // An order that a redrive has just saved still has a dead letter, so the figures count it twice.
    expect(await figure.hasAllResults({ deadLettered: 1, discarded: 0 })).toBe(false);
    exact.saved = 100;
    figure.update(operation({ status: 'succeeded', reportedSaved: 100 }), at(1));
    expect(await figure.hasAllResults(NONE)).toBe(true);
  });

  it('is not counted again once it is true', async () => {
    const { counts, figure } = createFigure({ status: 'cancelled', reportedSaved: 100 }, 100);
    for (let reader = 0; reader < 5; reader += 1) expect(await figure.hasAllResults(NONE)).toBe(true);
    expect(counts).toHaveLength(1);
  });

  it('is false while the operation can still publish orders', async () => {
    const { counts, figure } = createFigure({ status: 'paused', reportedSaved: 100 }, 100);
    expect(await figure.hasAllResults(NONE)).toBe(false);
    expect(counts).toEqual([]);
  });

  it('counts dead letters and discarded dead letters', async () => {
    const letters = { deadLettered: 2, discarded: 1 };
    const { figure } = createFigure({ status: 'succeeded', reportedSaved: 97 }, 97, letters);
    expect(await figure.hasAllResults(letters)).toBe(true);
  });
});

/** Creates a read that takes a time, and returns how many reads were started. */
function createRead(tookMs: number, { sharers = 1, maxPauseMs = Infinity } = {}) {
  const clock = new ManualClock();
  const state = { started: 0, failure: undefined as Error | undefined };
  const run = async (): Promise<number> => {
    state.started += 1;
    const value = state.started;
    await pause(clock, tookMs);
    if (state.failure) throw state.failure;
    return value;
  };
  const read = new PacedRead(run, { clock, sharers: () => sharers }, maxPauseMs);
  /** Lets 40 readers poll five times a second. */
  const poll = async (seconds: number, isUrgent = false): Promise<void> => {
    for (let turn = 0; turn < seconds * 5; turn += 1) {
      for (let reader = 0; reader < 40; reader += 1) void read.get(isUrgent);
      await clock.advance(200);
    }
  };
  return { clock, state, read, poll };
}

describe('PacedRead', () => {
  it.each([
    { rule: 'at most 0.5 % of the time', tookMs: 20, reads: 25 },
    { rule: 'a slow value again once it is 5 s old', tookMs: 200, reads: 20 },
    { rule: 'a very slow value for 5 % of the time', tookMs: 2_000, reads: 3 },
    { rule: 'an urgent value for 5 % of the time', tookMs: 100, isUrgent: true, reads: 50 },
    { rule: 'at most four times a second if that costs nothing', tookMs: 0, reads: 250 },
    { rule: 'a third of that if three operations share the budget', tookMs: 10, sharers: 3, reads: 17 },
    { rule: 'once in ten seconds although many share the budget', tookMs: 10, sharers: 1_000, reads: 10 },
    { rule: 'after the maximum pause, even on a busy machine', tookMs: 100, maxPauseMs: 1_000, reads: 84 },
  ])('reads $rule: $reads times in 100 s', async ({ tookMs, isUrgent, reads, ...options }) => {
    const { state, poll } = createRead(tookMs, options);
    await poll(100, isUrgent);
    expect(state.started).toBe(reads);
  });

  it('shares a running read among all callers', async () => {
    const { clock, state, read } = createRead(10);
    const all = Promise.all(Array.from({ length: 40 }, async () => read.get()));
    await clock.advance(10);
    expect([new Set(await all), state.started]).toEqual([new Set([1]), 1]);
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
