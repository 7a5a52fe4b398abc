import type { Decision } from '#autoscaling/decision.js';
import type { AutoscalingView, DecisionItem } from '../autoscaling-response.js';

/** A step up that the goal needs. */
export const STEP_UP: Omit<Decision, 'verdict'> & { readonly verdict: null } = {
  kind: 'up',
  reason: 'goal-at-risk',
  from: 2,
  to: 4,
  text: 'to 4 consumers: with 2, orders wait 61 s and more, 5,200/s arrive, and the goal is 120 s',
  figures: {
    lagRecords: 120_000,
    arrivalPerSecond: 5_200,
    savedPerSecond: 3_900,
    ratePerConsumer: 1_950,
    waitSeconds: 61,
    pauseSeconds: 5,
  },
  verdict: null,
};

/** Returns the nth decision, a step up: ids are in their order. */
export function aDecision(n: number, change: Partial<DecisionItem> = {}): DecisionItem {
  const id = `01a20e65-570e-7570-bea6-${String(n).padStart(12, '0')}`;
  return { ...STEP_UP, id, at: '2026-01-31T12:00:00.000Z', mode: 'on', ...change };
}

/** Returns an autoscaler that is on, and has nothing to do. */
export function anAutoscaling(change: Partial<AutoscalingView> = {}): AutoscalingView {
  return {
    mode: 'on',
    minConsumers: 1,
    maxConsumers: 12,
    drainSeconds: 120,
    wanted: 2,
    now: { ...STEP_UP, kind: 'keep', reason: 'enough', to: 2 },
    heldUntil: null,
    newest: null,
    isStandby: false,
    failure: null,
    ...change,
  };
}
