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
    changes: [],
    scaling: null,
    ...others,
  } as PipelineResponse;
}

describe('the hint before a scaling', () => {
  it('says how much lag a verdict needs at the current rate, and whether there is enough', () => {
    expect(verdictHint(busy(), 4)).toEqual({
      isWarning: false,
      text: 'A verdict on 4 consumers needs a lag of about 80,000 at 2,000 saved/s; there is enough.',
    });
    const little = verdictHint(busy({ lagRecords: 20_000 }), 4);
    expect(little).toMatchObject({ isWarning: true, text: expect.stringMatching(/it is 20,000: populate more first/) });
  });

  it('says that nothing is being saved', () => {
    expect(verdictHint(busy({ savedPerSecond: 0 }), 4)?.text).toMatch(/nothing is being saved. Populate first/);
  });

  it('is none for the current number, and while figures are unknown', () => {
    expect(verdictHint(busy(), 1)).toBeNull();
    expect([verdictHint(busy({ consumers: null }), 2), verdictHint(busy({ savedPerSecond: null }), 2)]).toEqual([
      null,
      null,
    ]);
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
});
