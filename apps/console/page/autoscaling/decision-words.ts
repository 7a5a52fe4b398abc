import type { AutoscalingView, DecisionItem } from '../../src/autoscaling/autoscaling-response.js';
import { duration, figure, plural } from '../text/figures.js';

type Decided = Pick<DecisionItem, 'kind' | 'reason' | 'from' | 'to' | 'text' | 'figures' | 'verdict'>;

/** A state of the autoscaler: a word, and its colour. */
export interface AutoscalingState {
  readonly word: string;
  readonly colour: 'good' | 'warn' | 'bad' | 'muted' | 'busy';
}

const REASONS: Readonly<Record<DecisionItem['reason'], string>> = {
  limits: 'outside the limits',
  'goal-at-risk': 'goal at risk',
  'no-gain': 'did not help',
  'spare-capacity': 'spare capacity',
  enough: 'enough',
  measuring: 'measuring',
  helped: 'helped',
  'not-judged': 'no verdict',
  reconsidered: 'had helped after all',
  bound: 'bound',
  'at-maximum': 'at the maximum',
  'scaling-down-slowly': 'waiting before a step down',
  'not-worth-a-pause': 'not worth a pause',
  stalled: 'stalled',
  suspended: 'consumers suspended',
  'held-by-hand': 'on hold',
  unknown: 'figures unknown',
};
/** Orders wait, and the autoscaler can't help. */
const ATTENTION: ReadonlySet<DecisionItem['reason']> = new Set([
  'bound',
  'at-maximum',
  'stalled',
  'suspended',
  'held-by-hand',
  'no-gain',
]);

/** Returns the state of the autoscaler in a word. */
export function stateOf({ mode, failure, isStandby, heldUntil, now }: AutoscalingView): AutoscalingState {
  if (failure !== null) return { word: 'can not act', colour: 'bad' };
  if (mode === 'dry-run') return { word: 'dry run', colour: 'muted' };
  if (heldUntil !== null) return { word: 'on hold', colour: 'warn' };
  if (isStandby) return { word: 'on, in another console', colour: 'muted' };
  if (now === null || now.reason === 'unknown') return { word: 'waiting for figures', colour: 'muted' };
  if (now.reason === 'measuring') return { word: 'measuring', colour: 'busy' };
  return ATTENTION.has(now.reason) ? { word: REASONS[now.reason], colour: 'warn' } : { word: 'on', colour: 'good' };
}

/** Returns what was decided, such as `2 → 4 consumers: goal at risk`. */
export function headingOf({ kind, reason, from, to }: Decided, mode: DecisionItem['mode']): string {
  if (kind === 'keep') return `${plural(to, 'consumer')}: ${REASONS[reason]}`;
  const change = `${from} → ${plural(to, 'consumer')}: ${REASONS[reason]}`;
  return mode === 'dry-run' ? `would change ${change}` : change;
}

/** Returns the class that colours a decision. */
export function classOf({ kind, reason }: Decided): string {
  if (kind === 'revert' || ATTENTION.has(reason)) return 'warn';
  return reason === 'helped' ? 'good' : '';
}

/** Returns the figures that a decision follows from. Unknown ones are left out. */
export function figuresText({ figures }: Decided): string {
  const { lagRecords, arrivalPerSecond, savedPerSecond, ratePerConsumer, waitSeconds, pauseSeconds } = figures;
  const parts = [
    ['lag', lagRecords === null ? null : figure(lagRecords)],
    ['arriving', arrivalPerSecond === null ? null : `${figure(arrivalPerSecond)}/s`],
    ['saved', savedPerSecond === null ? null : `${figure(savedPerSecond)}/s`],
    ['one consumer', ratePerConsumer === null ? null : `${figure(ratePerConsumer)}/s`],
    ['wait', waitSeconds === null ? null : duration(waitSeconds)],
    ['a rebalance costs', pauseSeconds > 0 ? duration(pauseSeconds) : null],
  ] as const;
  return parts.flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`])).join(', ');
}
