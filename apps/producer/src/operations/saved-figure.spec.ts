import { describe, expect, it } from '@jest/globals';
import type { EmittedDocument } from '#orders/operation/operation.js';
import { createSegments } from '#orders/operation/segments.js';
import { pause } from '@orders-pipeline/clock';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { SavedFigure } from './saved-figure.js';

const NONE = { deadLettered: 0, discarded: 0 };
const at = (seconds: number): Date => new Date(seconds * 1_000);

/** Creates an operation of 100 orders, all acknowledged. */
function operation(fields: Partial<EmittedDocument>): EmittedDocument {
  const [segment] = createSegments(100);
  return { status: 'running', segments: [{ ...segment, ackedTo: 100 }], ...fields } as EmittedDocument;
}

/** Creates a figure whose exact counts return `truth`. */
function createFigure(fields: Partial<EmittedDocument>, truth = { saved: 0, letters: NONE }) {
  const clock = new ManualClock();
  const counts: number[] = [];
  const errors: unknown[] = [];
  const state = { truth, failure: undefined as Error | undefined };
  /** How long a count takes. */
  const slow = { ms: 0 };
  const figure = new SavedFigure(
    operation(fields),
    async () => {
      counts.push(clock.now());
      if (slow.ms > 0) await pause(clock, slow.ms);
      if (state.failure) throw state.failure;
      return { ...state.truth, asOf: at(clock.now() / 1_000) };
    },
    { clock, sharers: () => 1 },
    (error) => errors.push(error),
  );
  figure.update(operation(fields), at(0));
  return { clock, counts, errors, state, slow, figure };
}

describe('SavedFigure', () => {
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

  it('is counted at once if nothing was reported, as for an operation of an earlier version', async () => {
    const { figure } = createFigure({}, { saved: 90, letters: NONE });
    expect(await figure.current(NONE)).toMatchObject({ saved: 90 });
  });

  it('is counted for its first reader once all orders were sent: reports may have been lost before', async () => {
    const { counts, figure } = createFigure({ status: 'succeeded', reportedSaved: 90 }, { saved: 100, letters: NONE });
    expect(await figure.current(NONE)).toMatchObject({ saved: 100 });
    await figure.current(NONE);
    expect(counts).toEqual([0]);
  });

  it('is counted for the first reader after some time: reports may have been lost meanwhile', async () => {
    const { clock, state, counts, figure } = createFigure(
      { status: 'succeeded', reportedSaved: 80 },
      { saved: 85, letters: NONE },
    );
    await figure.current(NONE);
    await clock.advance(50_000);
    state.truth = { saved: 100, letters: NONE };
    figure.update(operation({ status: 'succeeded', reportedSaved: 99 }), at(50));
    expect(await figure.current(NONE)).toEqual({ saved: 100, savedAsOf: at(50) });
    expect(counts).toEqual([0, 50_000]);
  });

  it('is returned to its first reader after a second if the count takes longer', async () => {
    const { clock, slow, figure } = createFigure(
      { status: 'succeeded', reportedSaved: 90 },
      { saved: 95, letters: NONE },
    );
    slow.ms = 5_000;
    const first = figure.current(NONE);
    await settle();
    await clock.advance(1_000);
    expect(await first).toMatchObject({ saved: 90 });
    await clock.advance(4_000);
    expect(await figure.current(NONE)).toMatchObject({ saved: 95 });
  });

  it('is counted when it stops rising below the acknowledged orders, because reports were lost', async () => {
    const { clock, counts, figure } = createFigure({ reportedSaved: 90 }, { saved: 100, letters: NONE });
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
    const { clock, counts, slow, figure } = createFigure({ reportedSaved: 90 }, { saved: 90, letters: NONE });
    slow.ms = 100;
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
    const { clock, state, errors, figure } = createFigure({ reportedSaved: 90 });
    state.failure = new Error('no primary');
    await clock.advance(3_000);
    expect(await figure.current(NONE)).toMatchObject({ saved: 90 });
    await settle();
    expect(errors).toEqual([state.failure]);
  });
});

describe('isSettled', () => {
  it('is decided by an exact count, once the figures are complete', async () => {
    const { counts, state, figure } = createFigure({ status: 'succeeded', reportedSaved: 99 });
    expect(await figure.isSettled(NONE)).toBe(false);
    expect(counts).toEqual([]);
    // An order that a redrive has just saved still has a letter, so the figures count it twice.
    state.truth = { saved: 99, letters: NONE };
    expect(await figure.isSettled({ deadLettered: 1, discarded: 0 })).toBe(false);
    state.truth = { saved: 100, letters: NONE };
    figure.update(operation({ status: 'succeeded', reportedSaved: 100 }), at(1));
    expect(await figure.isSettled(NONE)).toBe(true);
  });

  it('is not counted again once it is true', async () => {
    const { counts, figure } = createFigure({ status: 'cancelled', reportedSaved: 100 }, { saved: 100, letters: NONE });
    for (let reader = 0; reader < 5; reader += 1) expect(await figure.isSettled(NONE)).toBe(true);
    expect(counts).toHaveLength(1);
  });

  it('is false while the operation can still emit', async () => {
    const { counts, figure } = createFigure({ status: 'paused', reportedSaved: 100 }, { saved: 100, letters: NONE });
    expect(await figure.isSettled(NONE)).toBe(false);
    expect(counts).toEqual([]);
  });

  it('counts dead letters and discarded letters', async () => {
    const letters = { deadLettered: 2, discarded: 1 };
    const { figure } = createFigure({ status: 'succeeded', reportedSaved: 97 }, { saved: 97, letters });
    expect(await figure.isSettled(letters)).toBe(true);
  });
});
