import { describe, expect, it } from '@jest/globals';
import { BEYOND_SHARE, compareScalers } from './compare-scalers.js';
import { keyBoundSteps } from './key-bound-steps.js';
import { KedaScaler } from './keda-scaler.js';
import { DAY_SECONDS, seededDay } from './seeded-day.js';
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

describe('the policy over a day', () => {
  it('reaches what is required of it: time beyond the goal, consumer hours, rebalances', () => {
    const { policy, oracle, keda, fixed } = compareScalers(1);
    expect(policy.secondsBeyond).toBeLessThanOrEqual(oracle.secondsBeyond + BEYOND_SHARE * DAY_SECONDS);
    expect(policy.consumerHours).toBeLessThanOrEqual(1.15 * oracle.consumerHours);
    expect(policy.rebalances).toBeLessThanOrEqual(keda.rebalances / 3);
    expect(oracle.consumerHours).toBeLessThan(fixed.consumerHours);
  }, 60_000);

  it('makes one step up and its revert under a load that keys bound all day', () => {
    expect(keyBoundSteps()).toEqual([expect.stringMatching(/^up 1 → \d+$/), expect.stringMatching(/^revert \d+ → 1$/)]);
  }, 60_000);
});
