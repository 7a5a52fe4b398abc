import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { autoLimitHint, verdictHint } from './scaling-hints.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];
type Change = PipelineResponse['changes'][number];

function busy(others: Partial<PipelineResponse> = {}, consumer: Partial<Consumer> = {}): PipelineResponse {
  const one = { state: 'ready', inFlight: 1_000, inFlightLimit: 1_000, inFlightSet: 1_000, ...consumer } as Consumer;
  return {
    savedPerSecond: 2_000,
    lagRecords: 100_000,
    consumers: [one],
    configuredConsumers: 1,
    changes: [],
    scaling: null,
    ...others,
  } as PipelineResponse;
}

function judged(outcome: 'faster' | 'unknown', bound: 'cpu' | 'database' | null): Change {
  return { kind: 'scaling', from: null, to: null, verdict: { outcome, factor: null, bound, text: '' } } as Change;
}

const BACKLOG = { fullRate: 2_000, unsent: 0 };

describe('the hint before a scaling', () => {
  it('says how many orders a verdict needs at the full rate, and whether so many wait', () => {
    expect(verdictHint(busy(), 4, BACKLOG)).toEqual({
      isWarning: false,
      text: 'A verdict on 4 consumers needs about 80,000 waiting orders at 2,000 saved/s; there are enough.',
    });
    const little = verdictHint(busy({ lagRecords: 20_000 }), 4, BACKLOG);
    expect(little).toMatchObject({ isWarning: true, text: expect.stringMatching(/20,000 wait: populate more first/) });
  });

  it('does not change its mind from second to second, while the rate varies and orders are still being sent', () => {
    const seconds = [400, 1_900, 2_100, 1_700, 1_950, 2_050].map((savedPerSecond, second) => {
      const sent = 30_000 * second;
      return verdictHint(busy({ savedPerSecond, lagRecords: sent }), 4, { fullRate: 2_100, unsent: 200_000 - sent });
    });
    expect(new Set(seconds.map((hint) => hint?.text)).size).toBe(1);
  });

  it('says that nothing is being saved, or not yet', () => {
    const none = { fullRate: 0, unsent: 0 };
    const idle = busy({ savedPerSecond: 0, lagRecords: 0 });
    expect(verdictHint(idle, 4, none)?.text).toMatch(/nothing is being saved. Populate first/);
    expect(verdictHint(idle, 4, BACKLOG)?.text).toMatch(/and 0 wait: populate more first/);
    expect(verdictHint(idle, 4, { ...none, unsent: 400_000 })?.text).toMatch(/nothing is saved yet. Wait some seconds/);
  });

  it('is none for the current number, and while figures are unknown', () => {
    expect(verdictHint(busy(), 1, BACKLOG)).toBeNull();
    for (const unknown of [{ consumers: null }, { savedPerSecond: null }, { configuredConsumers: null }])
      expect(verdictHint(busy(unknown), 2, BACKLOG)).toBeNull();
  });
});

describe('the hint on the auto limit', () => {
  it('comes when a fixed limit is used up and enough orders wait', () => {
    expect(autoLimitHint(busy())).toMatch(/^The limit of 1,000 per consumer is used up, and 99,000 orders wait/);
    expect(autoLimitHint(busy({}, { inFlight: 700 }))).toBeNull();
    expect(autoLimitHint(busy({ lagRecords: 1_500 }))).toBeNull();
    expect(autoLimitHint(busy({}, { inFlightSet: 'auto' }))).toBeNull();
    expect(autoLimitHint(busy({}, { state: 'rebalancing' }))).toBeNull();
  });

  it('does not come while a change is measured, or after the auto limit did not help', () => {
    const change = { kind: 'scaling', from: { consumers: 1, inFlight: 500 }, to: { consumers: 1, inFlight: 'auto' } };
    const changes = (verdict: Partial<Change['verdict']>): Change[] => [{ ...change, verdict } as Change];
    expect(autoLimitHint(busy({ changes: changes(null) }))).toBeNull();
    expect(autoLimitHint(busy({ changes: changes({ outcome: 'slower' }) }))).toBeNull();
    expect(autoLimitHint(busy({ changes: changes({ outcome: 'faster' }) }))).not.toBeNull();
  });

  it('does not contradict a verdict that names CPU as the bound, until a later one names another', () => {
    const cpu = judged('faster', 'cpu');
    expect(autoLimitHint(busy({ changes: [cpu] }))).toBeNull();
    expect(autoLimitHint(busy({ changes: [cpu, judged('unknown', null)] }))).toBeNull();
    expect(autoLimitHint(busy({ changes: [cpu, judged('faster', 'database')] }))).not.toBeNull();
  });
});
