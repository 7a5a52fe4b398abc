import { describe, expect, it } from '@jest/globals';
import { NO_FIGURES } from './figures.js';
import { evaluateGate, unforcedConditions, type GateFacts, type GateLimits } from './gate.js';

const LIMITS: GateLimits = {
  minSamples: 1_000,
  maxMismatches: 0,
  maxErrorRate: 0.001,
  p99Factor: 1.5,
  p99FloorMs: 50,
  maxIntentAgeMs: 10_000,
};
const FACTS: GateFacts = {
  figures: {
    ...NO_FIGURES,
    samples: 1_000,
    requests: { legacy: 1_000, new: 1_000 },
    failures: { legacy: 500, new: 1 },
    p99Ms: { legacy: 100, new: 150 },
  },
  intents: { count: 3, oldestMs: 10_000 },
  lastVerify: { startedAt: new Date(2_000), differences: 0 },
  copyingSince: new Date(2_000),
};

function unmet(change: Partial<GateFacts>): string[] {
  const gate = evaluateGate('read-by-id', 'live', LIMITS, { ...FACTS, ...change });
  return gate.filter(({ holds }) => !holds).map(({ condition }) => condition);
}

describe('gate', () => {
  it('holds exactly at its limits', () => {
    expect(unmet({})).toEqual([]);
  });

  it.each<[string, Partial<GateFacts>]>([
    ['samples', { figures: { ...FACTS.figures, samples: 999 } }],
    ['mismatches', { figures: { ...FACTS.figures, mismatches: 1 } }],
    ['error-rate', { figures: { ...FACTS.figures, failures: { legacy: 0, new: 2 } } }],
    ['p99', { figures: { ...FACTS.figures, p99Ms: { legacy: 100, new: 151 } } }],
    ['p99', { figures: { ...FACTS.figures, p99Ms: { legacy: 10, new: 51 } } }],
    ['oldest-intent', { intents: { count: 1, oldestMs: 10_001 } }],
    ['verify', { lastVerify: null }],
    ['verify', { lastVerify: { startedAt: new Date(2_000), differences: 1 } }],
    ['verify', { lastVerify: { startedAt: new Date(1_999), differences: 0 } }],
  ])('is not met by its condition %s', (condition, change) => {
    expect(unmet(change)).toEqual([condition]);
  });

  it('names every condition with what is wanted and found', () => {
    const gate = evaluateGate('read-by-id', 'live', LIMITS, { ...FACTS, figures: NO_FIGURES, lastVerify: null });
    expect(gate.map(({ condition, found }) => [condition, found])).toEqual([
      ['samples', '0'],
      ['mismatches', '0'],
      ['error-rate', '0 %'],
      ['p99', 'no request'],
      ['oldest-intent', '10000 ms'],
      ['verify', 'no verify'],
    ]);
  });

  it('has conditions of the last step of writes that no force overrules', () => {
    const gate = evaluateGate('writes', 'complete', LIMITS, { ...FACTS, lastVerify: null });
    const unforced = unforcedConditions('writes', 'complete', gate);
    expect(unforced.map(({ condition, holds }) => [condition, holds])).toEqual([
      ['verify', false],
      ['open-intents', false],
    ]);
    expect(unforcedConditions('writes', 'live', gate)).toEqual([]);
  });
});
