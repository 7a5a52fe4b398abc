import { describe, expect, it } from '@jest/globals';
import { ComparisonResponseSchema } from '../../apps/console/src/comparison/comparison-response.js';
import { ProgressReporter, type ComparisonMessage } from './progress-message.js';
import { exampleReport } from './testing/example-report.js';

function telling(): { teller: ProgressReporter; told: ComparisonMessage['comparison'][] } {
  const told: ComparisonMessage['comparison'][] = [];
  const send = (message: ComparisonMessage): boolean => told.push(message.comparison) > 0;
  return { teller: new ProgressReporter({ send }), told };
}

describe('the progress of a comparison', () => {
  it('is told whole each time', () => {
    const { teller, told } = telling();
    teller.running(exampleReport(), 'by-key-1');
    teller.done();
    expect(told).toMatchObject([
      { state: 'running', current: 'by-key-1', finishedAt: null, orders: 1_000, error: null },
      { state: 'done', current: null, finishedAt: expect.any(String), orders: 1_000 },
    ]);
    for (const { ways } of told) expect(ways).toEqual(exampleReport().results);
  });

  it('is what the console takes', () => {
    const { teller, told } = telling();
    teller.running(exampleReport(), 'by-key-1');
    const { commit: _commit, ...taken } = told[0] ?? {};
    expect(ComparisonResponseSchema.parse(told[0])).toEqual(taken);
  });

  it('says why it failed, with what was measured until then', () => {
    const { teller, told } = telling();
    teller.running(exampleReport(), 'by-key-1');
    teller.failed('comparison-failed', 'an order is missing');
    const error = { code: 'comparison-failed', message: 'an order is missing' };
    expect(told[1]).toMatchObject({ state: 'failed', current: null, error, ways: exampleReport().results });
  });

  it('is told to nobody where there is no channel', () => {
    expect(() => new ProgressReporter({}).running(exampleReport(), null)).not.toThrow();
  });
});
