import { describe, expect, it } from '@jest/globals';
import type { Decision } from '#autoscaling/decision.js';
import { DecisionNews } from './decision-news.js';

const KEEP = { kind: 'keep', reason: 'enough', from: 2, to: 2, verdict: null } as Decision;
const UP = { ...KEEP, kind: 'up', reason: 'goal-at-risk', to: 4 } as const;
const VERDICT = { from: 2, to: 4, at: 0, outcome: 'faster', factor: 1.9, bound: null } as const;

/** Which of these decisions, one a second, are kept. */
function kept(mode: 'on' | 'dry-run', ...decisions: Decision[]): number[] {
  const news = new DecisionNews(mode);
  return [...decisions.keys()].filter((second) => news.isNews(decisions[second] ?? KEEP, 1_000 * second));
}

describe('the decisions that are kept', () => {
  it('are steps and verdicts, and not that all is well', () => {
    expect(
      kept('on', KEEP, UP, { ...KEEP, reason: 'measuring' }, { ...KEEP, reason: 'helped', verdict: VERDICT }, KEEP),
    ).toEqual([1, 3]);
  });

  it('are new reasons to wait, once in five minutes', () => {
    const bound = { ...KEEP, reason: 'bound' } as const;
    expect(kept('on', bound, bound, KEEP, bound)).toEqual([0]);
    const later = Array.from({ length: 301 }, (_, second) => (second % 2 === 0 ? bound : KEEP));
    expect(kept('on', ...later)).toEqual([0, 300]);
  });

  it('are the end of a hold', () => {
    const held = { ...KEEP, reason: 'held-by-hand' } as const;
    expect(kept('on', held, held, KEEP, KEEP)).toEqual([0, 2]);
  });

  it('are a proposal of a dry run once, and another one at once', () => {
    expect(kept('dry-run', UP, UP, UP, { ...UP, to: 6 })).toEqual([0, 3]);
  });
});
