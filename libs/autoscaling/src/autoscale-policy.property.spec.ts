import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { AutoscalePolicy, type PolicyOptions } from './autoscale-policy.js';
import type { AutoscaleState, LoadObservation } from './autoscale-state.js';
import { SimulatedConsumers } from './testing/simulated-consumers.js';

const LIMITS = fc
  .record({
    minConsumers: fc.integer({ min: 1, max: 8 }),
    more: fc.integer({ min: 0, max: 16 }),
    drainSeconds: fc.integer({ min: 10, max: 600 }),
  })
  .map(({ more, minConsumers, drainSeconds }) => ({
    minConsumers,
    drainSeconds,
    maxConsumers: minConsumers + more,
  }));
const RATE = fc.integer({ min: 50, max: 5_000 });
const PARTITIONS = fc.integer({ min: 1, max: 64 });

function policyWith(limits: PolicyOptions['limits'], options: Partial<PolicyOptions> = {}): AutoscalePolicy {
  return new AutoscalePolicy({ limits, isApplied: true, foreignCounts: 'adopt', ...options });
}

/** Any observation, also one that makes no sense. */
const OBSERVATION: fc.Arbitrary<Omit<LoadObservation, 'at' | 'consumers' | 'partitions'>> = fc.record({
  lagRecords: fc.integer({ min: 0, max: 10_000_000 }),
  arrivalPerSecond: fc.integer({ min: 0, max: 100_000 }),
  savedPerSecond: fc.integer({ min: 0, max: 100_000 }),
  used: fc.double({ min: 0, max: 1, noNaN: true }),
  hasWork: fc.boolean(),
  isCalm: fc.boolean(),
  isSuspended: fc.boolean(),
  verdict: fc.option(
    fc.record({
      from: fc.integer({ min: 1, max: 24 }),
      to: fc.integer({ min: 1, max: 24 }),
      at: fc.integer({ min: 0, max: 1_000_000 }),
      outcome: fc.constantFrom('faster', 'no-gain', 'slower', 'unknown'),
      factor: fc.option(fc.double({ min: 0, max: 4, noNaN: true })),
      bound: fc.constantFrom('keys', 'cpu', 'database', 'partitions', null),
    }),
  ),
  byHand: fc.constant(null),
});

/** Runs a load that changes every ten minutes. */
const LOADS = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 });

describe('the autoscaling policy, for any load', () => {
  it('stays within its limits and the partitions, whatever it observes', () => {
    fc.assert(
      fc.property(LIMITS, PARTITIONS, fc.array(OBSERVATION, { maxLength: 60 }), (limits, partitions, observations) => {
        const policy = policyWith(limits);
        let state: AutoscaleState | null = null;
        let consumers = limits.minConsumers;
        for (const [index, observation] of observations.entries()) {
          ({ state } = policy.next(state, { ...observation, at: 20_000 * index, consumers, partitions }));
          consumers = state?.wanted ?? consumers;
          expect(consumers).toBeGreaterThanOrEqual(limits.minConsumers);
          expect(consumers).toBeLessThanOrEqual(
            Math.max(limits.minConsumers, Math.min(limits.maxConsumers, partitions)),
          );
        }
      }),
    );
  });

  it('makes the same decisions from a stored state, and none without time or observation', () => {
    fc.assert(
      fc.property(LIMITS, fc.array(OBSERVATION, { minLength: 1, maxLength: 40 }), (limits, observations) => {
        const [one, other] = [policyWith(limits), policyWith(limits)];
        let state: AutoscaleState | null = null;
        for (const [index, observation] of observations.entries()) {
          const seen = { ...observation, at: 1_000 * index, consumers: limits.minConsumers, partitions: 24 };
          const stored = JSON.parse(JSON.stringify(state)) as AutoscaleState | null;
          const outcome = one.next(state, seen);
          expect(other.next(stored, seen)).toEqual(outcome);
          ({ state } = outcome);
        }
        expect(one.next(state, null).state).toEqual(state);
      }),
    );
  });

  it('never wants fewer consumers for more lag', () => {
    const settled = fc.record({
      load: fc.integer({ min: 0, max: 12 }),
      rate: RATE,
      minutes: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(settled, fc.nat(5_000_000), fc.nat(5_000_000), ({ load, rate, minutes }, lag, more) => {
        const policy = policyWith({ minConsumers: 1, maxConsumers: 12, drainSeconds: 120 });
        const run = new SimulatedConsumers(policy, { partitions: 60, ratePerConsumer: rate });
        const { state } = run.run(60 * minutes, 0.9 * load * rate);
        fc.pre(state !== null && state.step === null);
        const wantedFor = (lagRecords: number): number => {
          const work = { hasWork: lagRecords > rate, isCalm: true, isSuspended: false, verdict: null, byHand: null };
          const load12 = { arrivalPerSecond: 0.9 * load * rate, savedPerSecond: rate * state.wanted, used: 1 };
          const at = state.at + 1_000;
          const seen = { ...work, ...load12, at, consumers: state.wanted, partitions: 60, lagRecords };
          return policy.next(state, seen).state?.wanted ?? 0;
        };
        expect(wantedFor(lag + more)).toBeGreaterThanOrEqual(wantedFor(lag));
      }),
      { numRuns: 15 },
    );
  });

  it('does not flap under a constant load: after two hours it makes no step for two more', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 14, noNaN: true }), RATE, PARTITIONS, (load, rate, partitions) => {
        const policy = policyWith({ minConsumers: 1, maxConsumers: Math.min(12, partitions), drainSeconds: 120 });
        const run = new SimulatedConsumers(policy, { partitions, ratePerConsumer: rate });
        run.run(7_200, load * rate);
        const before = run.decisions.filter(({ kind }) => kind !== 'keep').length;
        run.run(7_200, load * rate);
        expect(run.decisions.filter(({ kind }) => kind !== 'keep')).toHaveLength(before);
      }),
      { numRuns: 15 },
    );
  });

  it('makes at most one step up, and reverts it, under any constant load that keys bound', () => {
    fc.assert(
      fc.property(
        RATE,
        fc.double({ min: 0.3, max: 0.9, noNaN: true }),
        fc.double({ min: 1.1, max: 4, noNaN: true }),
        (rate, share, over) => {
          const policy = policyWith({ minConsumers: 1, maxConsumers: 12, drainSeconds: 60 });
          const ceiling = share * rate;
          const run = new SimulatedConsumers(policy, { partitions: 60, ratePerConsumer: rate, ceiling });
          run.run(4 * 3_600, over * ceiling);
          const steps = run.decisions.filter(({ kind }) => kind !== 'keep').map(({ kind }) => kind);
          expect(steps).toEqual(['up', 'revert']);
          expect(run.consumers).toBe(1);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('brings the wait below the goal when the maximum can, whatever the load did before', () => {
    fc.assert(
      fc.property(LOADS, RATE, (loads, rate) => {
        const policy = policyWith({ minConsumers: 1, maxConsumers: 12, drainSeconds: 120 });
        const run = new SimulatedConsumers(policy, { partitions: 60, ratePerConsumer: rate });
        for (const load of loads) run.run(600, 0.8 * load * rate);
        run.run(1_800, 0.8 * (loads.at(-1) ?? 0) * rate);
        expect(run.lag).toBeLessThanOrEqual(120 * rate * run.consumers);
      }),
      { numRuns: 15 },
    );
  });
});
