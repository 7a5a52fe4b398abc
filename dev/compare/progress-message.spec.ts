import { describe, expect, it } from '@jest/globals';
import { ComparisonResponseSchema } from '../../apps/console/src/comparison/comparison-response.js';
import { ProgressReporter, type ComparisonMessage } from './progress-message.js';
import { exampleReport } from './testing/example-report.js';

function recording(): { reporter: ProgressReporter; sent: ComparisonMessage['comparison'][] } {
  const sent: ComparisonMessage['comparison'][] = [];
  const send = (message: ComparisonMessage): boolean => sent.push(message.comparison) > 0;
  return { reporter: new ProgressReporter({ send }), sent };
}

describe('the progress of a comparison', () => {
  it('is sent in full each time', () => {
    const { reporter, sent } = recording();
    reporter.running(exampleReport(), 'by-key-1');
    reporter.done();
    expect(sent).toMatchObject([
      { state: 'running', current: 'by-key-1', finishedAt: null, orders: 1_000, error: null },
      { state: 'done', current: null, finishedAt: expect.any(String), orders: 1_000 },
    ]);
    for (const { ways } of sent) expect(ways).toEqual(exampleReport().results);
  });

  it('has the format that the console accepts', () => {
    const { reporter, sent } = recording();
    reporter.running(exampleReport(), 'by-key-1');
    const { commit: _commit, ...accepted } = sent[0] ?? {};
    expect(ComparisonResponseSchema.parse(sent[0])).toEqual(accepted);
  });

  it('reports why it failed, with the measurements so far', () => {
    const { reporter, sent } = recording();
    reporter.running(exampleReport(), 'by-key-1');
    reporter.failed('comparison-failed', 'an order is missing');
    const error = { code: 'comparison-failed', message: 'an order is missing' };
    expect(sent[1]).toMatchObject({ state: 'failed', current: null, error, ways: exampleReport().results });
  });

  it('is not sent without a channel', () => {
    expect(() => new ProgressReporter({}).running(exampleReport(), null)).not.toThrow();
  });
});
