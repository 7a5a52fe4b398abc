import { describe, expect, it } from '@jest/globals';
import { BEYOND_SHARE } from './compare-scalers.js';
import { keyBoundSteps } from './key-bound-steps.js';
import { KedaScaler } from './keda-scaler.js';
import { PolicyScaler } from './policy-scaler.js';
import { runDay } from './scaler.js';
import { DAY_SECONDS, RATE_PER_CONSUMER, seededDay } from './seeded-day.js';
import { SET_UP, SimulatedPipeline } from './simulated-pipeline.js';

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
  }, 120_000);

  it('makes one step up and its revert under a load that keys bound all day', () => {
    expect(keyBoundSteps()).toEqual([expect.stringMatching(/^up 1 → \d+$/), expect.stringMatching(/^revert \d+ → 1$/)]);
  }, 60_000);
});
