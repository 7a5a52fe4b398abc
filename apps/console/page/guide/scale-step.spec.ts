import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import type { Backlog } from '../scaling/backlog.js';
import { verdictHint } from '../scaling/scaling-hints.js';
import { judgedScalings, scaleStep, type ScaleStep } from './scale-step.js';

type Change = PipelineResponse['changes'][number];
type Consumer = NonNullable<PipelineResponse['consumers']>[number];

/** A pipeline of one consumer with 1,000 in flight. */
function pipeline(lagRecords: number, others: Partial<PipelineResponse> = {}): PipelineResponse {
  const consumers = [{ state: 'ready', inFlightLimit: 1_000 } as Consumer];
  const state = { consumers, configuredConsumers: 1, lagRecords, savedPerSecond: 2_000, scaling: null, changes: [] };
  return { ...state, ...others } as PipelineResponse;
}

function scaled(outcome: 'faster' | 'unknown' | null, text = ''): Change {
  const [from, to] = [1, 2].map((consumers) => ({ consumers, inFlight: 1_000 }));
  return { kind: 'scaling', from, to, verdict: outcome && { outcome, factor: null, bound: null, text } } as Change;
}

const BACKLOG = { fullRate: 2_000, unsent: 0 };

/** The step while nothing is being sent. */
function step(latest: PipelineResponse | null, backlog: Backlog): ScaleStep {
  return scaleStep(latest, backlog, false);
}

describe('the step of the scaling', () => {
  it('says to scale when enough orders wait, and otherwise how many to populate', () => {
    expect(step(pipeline(100_000), BACKLOG)).toEqual({ next: 'scale', consumers: 2 });
    const populate = { next: 'populate', orders: 200_000, consumers: 2, failure: null };
    expect(step(pipeline(1_000), BACKLOG)).toEqual(populate);
    expect(step(pipeline(100_000), { fullRate: 0, unsent: 0 })).toEqual(populate);
    expect(step(null, { fullRate: 0, unsent: 0 })).toEqual({ ...populate, orders: 700_000 });
  });

  it('waits until the producer no longer takes CPU from the consumers, so that its end is not measured as a gain', () => {
    expect(scaleStep(pipeline(100_000), BACKLOG, true)).toEqual({ next: 'settle', consumers: 2 });
    expect(scaleStep(pipeline(0), { ...BACKLOG, unsent: 100_000 }, true)).toEqual({ next: 'settle', consumers: 2 });
    expect(scaleStep(pipeline(1_000), BACKLOG, true)).toMatchObject({ next: 'populate' });
    expect(scaleStep(pipeline(0, { changes: [scaled(null)] }), BACKLOG, true)).toEqual({ next: 'wait' });
  });

  it('never contradicts the hint in the form', () => {
    for (let lag = 0; lag <= 100_000; lag += 1_000) {
      const isEnough = verdictHint(pipeline(lag), 2, BACKLOG)?.isWarning === false;
      expect([lag, step(pipeline(lag), BACKLOG).next]).toEqual([lag, isEnough ? 'scale' : 'populate']);
    }
  });

  it('waits while a scaling is in progress or measured, and then says why it has no verdict', () => {
    const pending = { count: 2, secondsAgo: 1 };
    expect(step(pipeline(0, { scaling: pending }), BACKLOG)).toEqual({ next: 'wait' });
    expect(step(pipeline(0, { changes: [scaled(null)] }), BACKLOG)).toEqual({ next: 'wait' });
    const changes = [scaled('unknown', 'no verdict: too little to save')];
    expect(step(pipeline(0, { changes }), BACKLOG)).toMatchObject({ failure: 'no verdict: too little to save' });
  });

  it('is done by a verdict only', () => {
    expect([judgedScalings([]), judgedScalings([scaled(null), scaled('unknown')])]).toEqual([0, 0]);
    expect(judgedScalings([scaled('unknown'), scaled('faster')])).toBe(1);
    const limit = { ...scaled('faster'), from: { consumers: 2, inFlight: 500 }, to: { consumers: 2, inFlight: 900 } };
    expect(judgedScalings([limit])).toBe(0);
  });
});
