import type { AutoscalingView, DecisionItem } from '../../apps/console/src/autoscaling/autoscaling-response.js';
import type { ScriptedOrigin } from './scripted-origin.js';
import { answerBusy } from './scripted-answers.js';
import { NOW, pipelineState } from './scripted-states.js';

const FIGURES: DecisionItem['figures'] = {
  lagRecords: 120_000,
  arrivalPerSecond: 5_200,
  savedPerSecond: 3_900,
  ratePerConsumer: 1_950,
  waitSeconds: 61,
  pauseSeconds: 4.2,
};

/** The nth decision: ids are in their order. */
export function decision(n: number, changes: Partial<DecisionItem> = {}): DecisionItem {
  return {
    id: `01a20e65-570e-7570-bea6-${String(n).padStart(12, '0')}`,
    at: NOW,
    mode: 'on',
    kind: 'up',
    reason: 'goal-at-risk',
    from: 2,
    to: 4,
    text: 'to 4 consumers: with 2, orders wait 61 s and more, 5,200/s arrive, and the goal is 120 s',
    figures: FIGURES,
    verdict: null,
    ...changes,
  };
}

export const REVERTED = decision(2, {
  kind: 'revert',
  reason: 'no-gain',
  from: 4,
  to: 2,
  text: 'back to 2 consumers: 4 consumers did not help (x1.02), bound by keys: too few are active',
  verdict: { from: 2, to: 4, outcome: 'no-gain', factor: 1.02, bound: 'keys' },
});

/** An autoscaler that is on, and whose last step was reverted. */
export function autoscaling(changes: Partial<AutoscalingView> = {}): AutoscalingView {
  const {
    id: _id,
    at: _at,
    mode: _mode,
    ...decided
  } = decision(3, {
    kind: 'keep',
    reason: 'bound',
    from: 2,
    to: 2,
    text: '2 consumers stay, although orders wait: 4 did not help (x1.02), bound by keys: too few are active; tried again when the load has changed',
  });
  return {
    mode: 'on',
    minConsumers: 1,
    maxConsumers: 12,
    drainSeconds: 120,
    wanted: 2,
    now: decided,
    heldUntil: null,
    newest: REVERTED,
    isStandby: false,
    failure: null,
    ...changes,
  };
}

/** A busy pipeline with an autoscaler. */
export function answerAutoscaling(
  view: AutoscalingView = autoscaling(),
  decisions: readonly DecisionItem[] = [REVERTED, decision(1)],
): (origin: ScriptedOrigin) => void {
  return (origin) => {
    answerBusy(origin);
    origin.on('GET /v1/pipeline/autoscaling/decisions', { body: { items: decisions, page: { size: 5 } } });
    origin.show(pipelineState({ autoscaling: view }));
  };
}
