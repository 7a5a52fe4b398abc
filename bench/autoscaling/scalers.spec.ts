import { describe, expect, it } from '@jest/globals';
import { BEYOND_SHARE } from '../autoscaling-benchmarks.js';
import { KedaScaler, keyBoundSteps, PolicyScaler } from './scalers.js';
import { DAY_SECONDS, RATE_PER_CONSUMER, runDay, seededDay, SET_UP } from './simulated-day.js';

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
