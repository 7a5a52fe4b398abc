import { describe, expect, it } from '@jest/globals';
import type { AutoscalingView, DecisionItem } from '../../src/autoscaling/autoscaling-response.js';
import { aDecision, anAutoscaling, STEP_UP } from '../../src/autoscaling/testing/a-decision.js';
import { classOf, figuresText, headingOf, stateOf } from './autoscaling-panel.js';

const { figures } = STEP_UP;

describe('the words for the autoscaler', () => {
  it.each<['on' | 'dry-run', Partial<DecisionItem>, string]>([
    ['on', {}, '2 → 4 consumers: goal at risk'],
    ['dry-run', {}, 'would change 2 → 4 consumers: goal at risk'],
    ['on', { kind: 'keep', reason: 'bound', to: 1 }, '1 consumer: bound'],
  ])('say what was decided, and in a dry run what would be: %s %j', (mode, change, heading) => {
    expect(headingOf(aDecision(1, change), mode)).toBe(heading);
  });

  it.each<[string, Partial<DecisionItem['figures']>, string]>([
    [
      'give the figures',
      {},
      'lag 120,000, arriving 5,200/s, saved 3,900/s, one consumer 1,950/s, wait 1 min 1 s, a rebalance costs 5 s',
    ],
    [
      'leave unknown ones out',
      { lagRecords: null, waitSeconds: null, pauseSeconds: 0 },
      'arriving 5,200/s, saved 3,900/s, one consumer 1,950/s',
    ],
  ])('%s', (_, change, text) => {
    expect(figuresText(aDecision(1, { figures: { ...figures, ...change } }))).toBe(text);
  });

  it.each<[string, Partial<DecisionItem>, string]>([
    ['a step that did not help', { kind: 'revert', reason: 'no-gain' }, 'warn'],
    ['what it can not solve', { kind: 'keep', reason: 'at-maximum' }, 'warn'],
    ['a step that helped', { kind: 'keep', reason: 'helped' }, 'good'],
    ['a step', {}, ''],
  ])('colour %s', (_, change, style) => {
    expect(classOf(aDecision(1, change))).toBe(style);
  });

  it.each<[string, Partial<AutoscalingView>, string]>([
    ['nothing is to do', {}, 'on good'],
    ['it can not act', { failure: 'no response' }, 'can not act bad'],
    ['it only reports', { mode: 'dry-run' }, 'dry run muted'],
    ['a person has set the number', { heldUntil: '2026-01-31T12:00:00.000Z' }, 'on hold warn'],
    ['another console decides', { isStandby: true }, 'on, in another console muted'],
    ['nothing was observed', { now: null }, 'waiting for figures muted'],
    ['a step is being judged', { now: { ...STEP_UP, kind: 'keep', reason: 'measuring' } }, 'measuring busy'],
    ['more consumers do not help', { now: { ...STEP_UP, kind: 'keep', reason: 'bound' } }, 'bound warn'],
  ])('give the state in a word when %s', (_, change, expected) => {
    const { word, colour } = stateOf(anAutoscaling(change));
    expect(`${word} ${colour}`).toBe(expected);
  });
});
