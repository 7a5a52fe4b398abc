import { describe, expect, it } from '@jest/globals';
import { FigureHistory } from '../../src/pipeline/figure-history.js';
import type { PipelineResponse, ReportedChange, ReportedConsumer } from '../../src/pipeline/pipeline-response.js';
import { aChange, aConsumer, aPipeline, aScaling, aVerdict } from '../../src/pipeline/testing/a-pipeline.js';
import { autoLimitHint, fullRate, judgedScalings, verdictHint } from './scaling-advice.js';

const START = 1_700_000_100;
const BACKLOG = { fullRate: 2_000, unsent: 0 };
const NOTHING = { fullRate: 0, unsent: 0 };
const AUTO_LIMIT = { from: { consumers: 1, inFlight: 500 }, to: { consumers: 1, inFlight: 'auto' as const } };
const UNKNOWN = aVerdict({ outcome: 'unknown', factor: null, text: 'no verdict: too little to save' });

/** A pipeline of one consumer with 1,000 in flight, for which 100,000 orders wait. */
function busy(others: Partial<PipelineResponse> = {}, consumer: Partial<ReportedConsumer> = {}): PipelineResponse {
  const consumers = [aConsumer(consumer)];
  return aPipeline({ savedPerSecond: 2_000, lagRecords: 100_000, consumers, configuredConsumers: 1, ...others });
}

/** A history of rates, one for each second. */
function historyOf(...rates: (number | null)[]): FigureHistory {
  const history = new FigureHistory();
  for (const [index, saved] of rates.entries())
    history.add(START + index, { produced: 0, saved, inFlight: 0, lag: 0, consumers: 1 });
  return history;
}

describe('the full rate', () => {
  it('is the highest that was recorded, so that it does not fall and rise with each second', () => {
    const rates = [0, 1_500, 2_000, null, 1_900, 2_010, 1_950, 0];
    const seen = rates.map((savedPerSecond, second) =>
      fullRate(historyOf(...rates.slice(0, second + 1)), { changes: [], savedPerSecond }),
    );
    expect(seen).toEqual([0, 1_500, 2_000, 2_000, 2_000, 2_010, 2_010, 2_010]);
  });

  it.each([
    [5, 1_990, 2_000],
    [39, 1_990, 1_990],
    [39, null, 0],
  ])('is that of the consumers of now: changed after %d s, and now %j/s', (second, savedPerSecond, rate) => {
    const rates = [...Array.from({ length: 20 }, () => 8_000), ...Array.from({ length: 20 }, () => 2_000)];
    const changes = [aChange({ at: new Date(1_000 * (START + second)).toISOString() })];
    expect(fullRate(historyOf(...rates), { changes, savedPerSecond })).toBe(rate);
  });
});

describe('the hint before a scaling', () => {
  it('says how many orders a verdict needs at the full rate, and whether so many wait', () => {
    expect(verdictHint(busy(), 4, BACKLOG)).toEqual({
      isWarning: false,
      text: 'A verdict on 4 consumers needs about 80,000 waiting orders at 2,000 saved/s; there are enough.',
    });
    const little = verdictHint(busy({ lagRecords: 20_000 }), 4, BACKLOG);
    expect(little).toMatchObject({ isWarning: true, text: expect.stringMatching(/20,000 wait: generate more first/) });
  });

  it('does not change its mind from second to second, while the rate varies and orders are still being sent', () => {
    const seconds = [400, 1_900, 2_100, 1_700, 1_950, 2_050].map((savedPerSecond, second) => {
      const sent = 30_000 * second;
      return verdictHint(busy({ savedPerSecond, lagRecords: sent }), 4, { fullRate: 2_100, unsent: 200_000 - sent });
    });
    expect(new Set(seconds.map((hint) => hint?.text)).size).toBe(1);
  });

  it.each([
    [NOTHING, /nothing is being saved. Generate orders first/],
    [BACKLOG, /and 0 wait: generate more first/],
    [{ fullRate: 0, unsent: 400_000 }, /nothing is saved yet. Wait some seconds/],
  ])('says that nothing is being saved, or not yet: %j', (backlog, text) => {
    expect(verdictHint(busy({ savedPerSecond: 0, lagRecords: 0 }), 4, backlog)?.text).toMatch(text);
  });

  it('is none for the current number, and while figures are unknown', () => {
    expect(verdictHint(busy(), 1, BACKLOG)).toBeNull();
    for (const unknown of [{ consumers: null }, { savedPerSecond: null }, { configuredConsumers: null }])
      expect(verdictHint(busy(unknown), 2, BACKLOG)).toBeNull();
  });
});

describe('the hint on the auto limit', () => {
  it('says that a fixed limit is used up, and how many orders wait', () => {
    expect(autoLimitHint(busy())).toMatch(/^The limit of 1,000 per consumer is used up, and 99,000 orders wait/);
  });

  const cpu = aScaling(1, 2, { verdict: aVerdict({ bound: 'cpu' }) });
  const database = aScaling(2, 3, { verdict: aVerdict({ bound: 'database' }) });
  it.each<[string, PipelineResponse, boolean]>([
    ['while the limit is not used up', busy({}, { inFlight: 700 }), false],
    ['while few orders wait', busy({ lagRecords: 1_500 }), false],
    ['with the auto limit', busy({}, { inFlightSet: 'auto' }), false],
    ['during a rebalance', busy({}, { state: 'rebalancing' }), false],
    ['while a change is measured', busy({ changes: [aChange(AUTO_LIMIT)] }), false],
    [
      'after the auto limit did not help',
      busy({ changes: [aChange({ ...AUTO_LIMIT, verdict: aVerdict({ outcome: 'slower' }) })] }),
      false,
    ],
    ['after the auto limit helped', busy({ changes: [aChange({ ...AUTO_LIMIT, verdict: aVerdict() })] }), true],
    ['after a verdict that names CPU as the bound', busy({ changes: [cpu] }), false],
    ['after a verdict without a bound', busy({ changes: [cpu, aScaling(2, 3, { verdict: UNKNOWN })] }), false],
    ['after a later verdict with another bound', busy({ changes: [cpu, database] }), true],
  ])('%s', (_, latest, isGiven) => {
    expect(autoLimitHint(latest) !== null).toBe(isGiven);
  });
});

describe('the scalings', () => {
  const unknown = aScaling(1, 2, { verdict: UNKNOWN });
  const limit = { from: { consumers: 2, inFlight: 500 }, to: { consumers: 2, inFlight: 900 } };
  it.each<[number, string, ReportedChange[]]>([
    [0, 'none', []],
    [0, 'those without a verdict', [aScaling(1, 2), unknown]],
    [1, 'one with a verdict', [unknown, aScaling(1, 2, { verdict: aVerdict() })]],
    [0, 'one of a limit', [aChange({ ...limit, verdict: aVerdict() })]],
  ])('are counted with a verdict, %d: %s', (count, _, changes) => {
    expect(judgedScalings(changes)).toBe(count);
  });
});
