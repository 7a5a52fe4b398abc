import { describe, expect, it } from '@jest/globals';
import { AutoscalePolicy, HOLD_MS, resumed, type PolicyOptions } from './autoscale-policy.js';
import { SimulatedConsumers, type SimulatedCapacity } from './testing/simulated-consumers.js';
import { contradictionIn, carriedBy, usefulCounts } from './capacity.js';

const LIMITS = { minConsumers: 1, maxConsumers: 12, drainSeconds: 120 };

function consumers(
  capacity: Partial<SimulatedCapacity> = {},
  options: Partial<PolicyOptions> = {},
  count = 1,
): SimulatedConsumers {
  const policy = new AutoscalePolicy({ limits: LIMITS, isApplied: true, foreignCounts: 'hold', ...options });
  return new SimulatedConsumers(policy, { partitions: 60, ratePerConsumer: 2_000, ...capacity }, count);
}

function stepsOf({ decisions }: SimulatedConsumers): string[] {
  return decisions.filter(({ kind }) => kind !== 'keep').map(({ kind, from, to }) => `${kind} ${from} → ${to}`);
}

describe('the autoscaling policy', () => {
  it('goes up in large steps when the goal is at risk, and keeps steps that helped', () => {
    const run = consumers().run(30, 1_000).run(600, 9_000);
    expect(stepsOf(run)).toEqual(['up 1 → 3', 'up 3 → 5']);
    expect(run.decisions.map(({ reason }) => reason)).toEqual(['goal-at-risk', 'helped', 'goal-at-risk', 'helped']);
    expect(run.decisions[2]?.text).toMatch(
      /^to 5 consumers: with 3, orders wait [\d,.]+ s and more, [\d,]+\/s arrive, and the goal is 120 s$/,
    );
  });

  it('aims at the goal, not at the lag: a lag that is worked off in time needs no step', () => {
    expect(stepsOf(consumers().run(30, 500).add(150_000).run(600, 500))).toEqual([]);
    expect(stepsOf(consumers().run(30, 500).add(900_000).run(60, 500))).toHaveLength(1);
  });

  it('goes down slowly: once fewer consumers carry the highest load of the last minutes', () => {
    const run = consumers().run(300, 9_000).run(3_600, 9_000);
    const before = run.decisions.length;
    run.run(200, 1_000);
    expect(run.decisions.slice(before)).toEqual([]);
    run.run(400, 1_000);
    expect(run.decisions.slice(before)).toMatchObject([{ kind: 'down', reason: 'spare-capacity', to: 1 }]);
  });

  it('reverts a step that did not help, says what the bound is, and waits until the load changes', () => {
    const run = consumers({ ceiling: 1_800 }).run(3 * 3_600, 2_500);
    expect(stepsOf(run)).toEqual([expect.stringMatching(/^up 1 →/), expect.stringMatching(/^revert \d+ → 1$/)]);
    expect(run.decisions.at(-1)?.text).toMatch(
      /^back to 1 consumer: \d+ consumers did not help \(1[.]00 times the throughput\), bound by keys/,
    );
    expect(run.state?.bound).toMatchObject({ count: 1, bound: 'keys' });
    run.run(600, 5_000);
    expect(stepsOf(run)).toHaveLength(4);
  });

  it('tries again once the lag of that load has been worked off', () => {
    const run = consumers({ ceiling: 1_800 }).run(1_200, 2_500);
    expect(run.state?.bound).not.toBeNull();
    run.run(7_200, 100);
    expect(run.state?.bound).toBeNull();
  });

  it('makes no step while nearly nothing is saved', () => {
    const run = consumers().run(120, 1_900);
    const stalled = consumers({ ceiling: 0 }).run(600, 1_900);
    expect([stepsOf(run), stepsOf(stalled)]).toEqual([[], []]);
  });

  it('keeps a number that a person has set for half an hour, or until it is resumed', () => {
    const run = consumers({}, {}, 4)
      .run(60, 100)
      .run(HOLD_MS / 1_000 - 10, 100, 6);
    expect([run.consumers, stepsOf(run)]).toEqual([6, []]);
    run.run(600, 100);
    expect(run.consumers).toBe(1);
    run.run(60, 100, 6);
    if (run.state !== null) run.state = resumed(run.state);
    expect(run.run(600, 100).consumers).toBe(1);
  });

  it('only reports in a dry run, and follows the steps of a person', () => {
    const run = consumers({}, { isApplied: false }).run(300, 9_000);
    expect(run.consumers).toBe(1);
    const [first] = run.decisions;
    expect(first).toMatchObject({ kind: 'up', reason: 'goal-at-risk', from: 1 });
    run.run(60, 9_000, first?.to ?? null);
    expect(run.decisions.map(({ reason }) => reason)).toContain('helped');
  });

  it('returns to its limits', () => {
    const limits = { ...LIMITS, minConsumers: 3, maxConsumers: 5 };
    expect(consumers({}, { limits }, 1).run(30, 100).consumers).toBe(3);
    expect(consumers({}, { limits }, 9).run(30, 100).consumers).toBe(5);
    expect(consumers({ partitions: 4 }, { limits }, 9).run(30, 100).consumers).toBe(4);
  });

  it('changes nothing while figures are missing', () => {
    const run = consumers().run(60, 1_000);
    const policy = new AutoscalePolicy({ limits: LIMITS, isApplied: true, foreignCounts: 'hold' });
    const { state, decision } = policy.next(run.state, null);
    expect(state).toEqual(run.state);
    expect(decision).toMatchObject({ kind: 'keep', reason: 'unknown', to: 1 });
    expect(policy.next(null, null).state).toBeNull();
  });

  it('corrects a number outside the limits, and follows a person, while only the number is known', () => {
    const limits = { ...LIMITS, minConsumers: 3, maxConsumers: 5 };
    const policy = new AutoscalePolicy({ limits, isApplied: true, foreignCounts: 'hold' });
    const first = policy.next(null, { at: 1_000, consumers: 1, byHand: null });
    expect(first.decision).toMatchObject({ kind: 'up', reason: 'limits', from: 1, to: 3 });
    expect(first.decision.text).toBe('to 3 consumers: the limits are 3 to 5');
    expect(first.state).toMatchObject({ wanted: 3, step: { kind: 'up', from: 1, to: 3, at: 1_000 } });
    const waiting = policy.next(first.state, { at: 2_000, consumers: 1, byHand: null });
    expect([waiting.decision.reason, waiting.state?.wanted]).toEqual(['unknown', 3]);
    const after = policy.next(null, { at: 1_000, consumers: 9, byHand: null });
    expect(after.decision).toMatchObject({ kind: 'down', reason: 'limits', to: 5 });
    const held = policy.next(waiting.state, { at: 3_000, consumers: 1, byHand: 1 });
    expect(held.state).toMatchObject({ wanted: 1, heldUntil: 3_000 + HOLD_MS });
    expect(policy.next(held.state, { at: 4_000, consumers: 1, byHand: null }).decision.kind).toBe('keep');
  });

  it('changes no number without the load in a dry run', () => {
    const limits = { ...LIMITS, minConsumers: 3 };
    const policy = new AutoscalePolicy({ limits, isApplied: false, foreignCounts: 'hold' });
    const { state, decision } = policy.next(null, { at: 1_000, consumers: 1, byHand: null });
    expect(decision).toMatchObject({ kind: 'up', reason: 'limits', to: 3 });
    expect(state).toMatchObject({ wanted: 1, step: null });
  });
});

describe('the limits of the autoscaler', () => {
  it.each([
    [1, 12, null],
    [12, 12, null],
    [5, 4, 'min-above-max'],
    [1, 13, 'max-above-partitions'],
  ])('from %d to %d, with twelve partitions: %s', (minConsumers, maxConsumers, expected) => {
    expect(contradictionIn({ minConsumers, maxConsumers, drainSeconds: 120 }, 12)).toBe(expected);
  });
});

describe('the work that some consumers carry', () => {
  it('is that of the consumer with most partitions', () => {
    expect([1, 2, 5, 6, 7, 11, 12, 13].map((count) => carriedBy(count, 12))).toEqual([1, 2, 4, 6, 6, 6, 12, 12]);
    expect(carriedBy(0, 12)).toBe(0);
  });

  it('grows only with some numbers of consumers', () => {
    expect(usefulCounts(1, 12, 12)).toEqual([1, 2, 3, 4, 6, 12]);
    expect(usefulCounts(5, 12, 12)).toEqual([5, 6, 12]);
    expect(usefulCounts(1, 12, 60)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);
    expect(usefulCounts(3, 2, 12)).toEqual([3]);
  });
});
