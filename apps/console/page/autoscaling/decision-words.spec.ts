import { describe, expect, it } from '@jest/globals';
import type { AutoscalingView, DecisionItem } from '../../src/autoscaling/autoscaling-response.js';
import { classOf, figuresText, headingOf, stateOf } from './decision-words.js';

const FIGURES: DecisionItem['figures'] = {
  lagRecords: 120_000,
  arrivalPerSecond: 5_200,
  savedPerSecond: 3_900,
  ratePerConsumer: 1_950,
  waitSeconds: 61,
  pauseSeconds: 5,
};
const STEP: DecisionItem = {
  id: '01a20e65-570e-7570-bea6-26988d692e8b',
  at: '2026-01-31T12:00:00.000Z',
  mode: 'on',
  kind: 'up',
  reason: 'goal-at-risk',
  from: 2,
  to: 4,
  text: 'to 4 consumers',
  figures: FIGURES,
  verdict: null,
};
const VIEW: AutoscalingView = {
  mode: 'on',
  minConsumers: 1,
  maxConsumers: 12,
  drainSeconds: 120,
  wanted: 2,
  now: { ...STEP, kind: 'keep', reason: 'enough' },
  heldUntil: null,
  newest: null,
  isStandby: false,
  failure: null,
};

describe('the words for the autoscaler', () => {
  it('say what was decided, and in a dry run what would be', () => {
    expect(headingOf(STEP, 'on')).toBe('2 → 4 consumers: goal at risk');
    expect(headingOf(STEP, 'dry-run')).toBe('would change 2 → 4 consumers: goal at risk');
    expect(headingOf({ ...STEP, kind: 'keep', reason: 'bound', to: 1 }, 'on')).toBe('1 consumer: bound');
  });

  it('give the figures, and leave unknown ones out', () => {
    expect(figuresText(STEP)).toBe(
      'lag 120,000, arriving 5,200/s, saved 3,900/s, one consumer 1,950/s, wait 1 min 1 s, a rebalance costs 5 s',
    );
    expect(
      figuresText({ ...STEP, figures: { ...FIGURES, lagRecords: null, waitSeconds: null, pauseSeconds: 0 } }),
    ).toBe('arriving 5,200/s, saved 3,900/s, one consumer 1,950/s');
  });

  it('draw attention to a step that did not help, and to what the autoscaler can not solve', () => {
    expect(classOf({ ...STEP, kind: 'revert', reason: 'no-gain' })).toBe('warn');
    expect(classOf({ ...STEP, kind: 'keep', reason: 'at-maximum' })).toBe('warn');
    expect(classOf({ ...STEP, kind: 'keep', reason: 'helped' })).toBe('good');
    expect(classOf(STEP)).toBe('');
  });

  it.each<[string, Partial<AutoscalingView>, string]>([
    ['nothing is to do', {}, 'on good'],
    ['it can not act', { failure: 'no response' }, 'can not act bad'],
    ['it only reports', { mode: 'dry-run' }, 'dry run muted'],
    ['a person has set the number', { heldUntil: '2026-01-31T12:00:00.000Z' }, 'on hold warn'],
    ['another console decides', { isStandby: true }, 'on, in another console muted'],
    ['nothing was observed', { now: null }, 'waiting for figures muted'],
    ['a step is being judged', { now: { ...STEP, kind: 'keep', reason: 'measuring' } }, 'measuring busy'],
    ['more consumers do not help', { now: { ...STEP, kind: 'keep', reason: 'bound' } }, 'bound warn'],
  ])('give the state in a word when %s', (_, change, expected) => {
    const { word, colour } = stateOf({ ...VIEW, ...change });
    expect(`${word} ${colour}`).toBe(expected);
  });
});
