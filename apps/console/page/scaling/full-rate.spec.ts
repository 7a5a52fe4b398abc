import { describe, expect, it } from '@jest/globals';
import { FigureHistory } from '../../src/history/figure-history.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { fullRate } from './full-rate.js';

const START = 1_700_000_100;

/** A history of rates, one for each second. */
function historyOf(...rates: (number | null)[]): FigureHistory {
  const history = new FigureHistory();
  for (const [index, saved] of rates.entries())
    history.add(START + index, { produced: 0, saved, inFlight: 0, lag: 0, consumers: 1 });
  return history;
}

/** A state with a change of the consumers at this second, and with this rate. */
function changedAt(
  second: number,
  savedPerSecond: number | null,
): Pick<PipelineResponse, 'changes' | 'savedPerSecond'> {
  const change = { kind: 'scaling', at: new Date(1_000 * (START + second)).toISOString() };
  return { changes: [change as PipelineResponse['changes'][number]], savedPerSecond };
}

describe('the full rate', () => {
  it('is the highest that was recorded, so that it does not fall and rise with each second', () => {
    const rates = [0, 1_500, 2_000, null, 1_900, 2_010, 1_950, 0];
    const seen = rates.map((savedPerSecond, second) =>
      fullRate(historyOf(...rates.slice(0, second + 1)), { changes: [], savedPerSecond }),
    );
    expect(seen).toEqual([0, 1_500, 2_000, 2_000, 2_000, 2_010, 2_010, 2_010]);
  });

  it('is that of the consumers of now: older rates are those of another number', () => {
    const rates = [...Array.from({ length: 20 }, () => 8_000), ...Array.from({ length: 20 }, () => 2_000)];
    expect(fullRate(historyOf(...rates), changedAt(5, 1_990))).toBe(2_000);
    expect(fullRate(historyOf(...rates), changedAt(39, 1_990))).toBe(1_990);
    expect(fullRate(historyOf(...rates), changedAt(39, null))).toBe(0);
  });
});
