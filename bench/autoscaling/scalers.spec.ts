import { describe, expect, it } from '@jest/globals';
import { BEYOND_SHARE } from '../autoscaling-benchmarks.js';
import { KedaScaler, keyBoundSteps, PolicyScaler } from './scalers.js';
import {
  DAY_SECONDS,
  RATE_PER_CONSUMER,
  runDay,
  type SeededDay,
  seededDay,
  SET_UP,
  SimulatedPipeline,
} from './simulated-day.js';

/** What KEDA's formula wants in each quarter of a minute, for these lags. */
function wantedBy(scaler: KedaScaler, ...lags: number[]): number[] {
  const pipeline = new SimulatedPipeline(seededDay(1), SET_UP);
  return lags.map((lag, index) => {
    pipeline.second = 15 * index;
    pipeline.lag = lag;
    return scaler.decide(pipeline);
  });
}

describe("KEDA's formula", () => {
  it('divides the lag by the threshold, within the limits, and at most adds four or doubles', () => {
    expect(wantedBy(new KedaScaler(1_000), 500, 3_000, 12_000, 12_000, 90_000)).toEqual([1, 3, 7, 12, 12]);
  });

  it('ignores a difference of a tenth, and waits five minutes before it scales down', () => {
    expect(wantedBy(new KedaScaler(1_000), 4_000, 4_300, 3_700)).toEqual([4, 4, 4]);
    const falling = wantedBy(new KedaScaler(1_000), 4_000, ...Array.from({ length: 21 }, () => 900));
    expect([falling[19], falling[20]]).toEqual([4, 1]);
  });
});

function constant(value: number): Float64Array<ArrayBuffer> {
  return new Float64Array(DAY_SECONDS).fill(value);
}

/** A pipeline with a constant load. @param ceiling what the keys allow */
function loaded(arrival: number, ceiling = Number.POSITIVE_INFINITY, consumers = 1): SimulatedPipeline {
  const rates = { arrivals: constant(arrival), speeds: constant(1), ceilings: constant(ceiling) };
  const day: SeededDay = { seed: 0, ...rates, events: [] };
  return new SimulatedPipeline(day, SET_UP, consumers);
}

function advance(pipeline: SimulatedPipeline, seconds: number): SimulatedPipeline {
  for (let passed = 0; passed < seconds; passed += 1) pipeline.advance();
  return pipeline;
}

describe('the simulated pipeline', () => {
  it('saves as fast as its consumers, and keeps the rest, which gets older than the goal', () => {
    const pipeline = loaded(2 * RATE_PER_CONSUMER);
    // With twice the load, the oldest order is half as old as the load.
    advance(pipeline, 2 * SET_UP.drainSeconds);
    expect(pipeline).toMatchObject({ saved: RATE_PER_CONSUMER, secondsBeyond: 0 });
    expect(pipeline.lag).toBe(2 * SET_UP.drainSeconds * RATE_PER_CONSUMER);
    expect(advance(pipeline, 100).secondsBeyond).toBeGreaterThan(90);
  });

  it('starts consumers for some seconds, and then stops all saves for the pause of the rebalance', () => {
    const pipeline = loaded(5 * RATE_PER_CONSUMER);
    pipeline.request(4);
    expect(advance(pipeline, SET_UP.startSeconds)).toMatchObject({ working: 1, saved: RATE_PER_CONSUMER, starting: 3 });
    expect(advance(pipeline, SET_UP.pauseSeconds)).toMatchObject({ working: 4, saved: 0, starting: 0 });
    expect(advance(pipeline, 1)).toMatchObject({ saved: 4 * RATE_PER_CONSUMER, rebalances: 1 });
    expect(pipeline.consumerSeconds).toBe(4 * (SET_UP.startSeconds + SET_UP.pauseSeconds + 1));
  });

  it('is bound by keys, whatever the number of consumers', () => {
    expect(advance(loaded(2_000, 1_000, 4), 10)).toMatchObject({ saved: 1_000, isBoundByKeys: true });
  });
});

/** What `npm run bench` computes for the day of seed 1. Under Jest, the plan takes two minutes. */
const ORACLE = { secondsBeyond: 858, consumerHours: 93.5 };

describe('the policy over a day', () => {
  // The benchmark does the same over 24 days, and with the best of 15 thresholds.
  it('reaches what is required of it: time beyond the goal, consumer hours, rebalances', () => {
    const day = seededDay(1);
    const policy = runDay(day, SET_UP, new PolicyScaler());
    const keda = runDay(day, SET_UP, new KedaScaler(60 * RATE_PER_CONSUMER));
    expect(policy.secondsBeyond).toBeLessThanOrEqual(ORACLE.secondsBeyond + BEYOND_SHARE * DAY_SECONDS);
    expect(policy.consumerHours).toBeLessThanOrEqual(1.15 * ORACLE.consumerHours);
    expect(policy.rebalances).toBeLessThanOrEqual(keda.rebalances / 3);
  });

  it('makes one step up and its revert under a load that keys bound all day', () => {
    expect(keyBoundSteps()).toEqual([expect.stringMatching(/^up 1 → \d+$/), expect.stringMatching(/^revert \d+ → 1$/)]);
  });
});
