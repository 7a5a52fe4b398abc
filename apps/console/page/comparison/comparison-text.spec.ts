import { describe, expect, it } from '@jest/globals';
import { IDLE, type ComparisonResponse } from '../../src/comparison/comparison-response.js';
import { comparisonText, hasFailed } from './comparison-text.js';

type Way = ComparisonResponse['ways'][number];

function way(name: string, consumers: number, seconds: number | null): Way {
  return {
    name,
    label: 'in flight, without order',
    ordering: 'unordered',
    consumers,
    inFlight: 60,
    theorySeconds: 1,
    sampled: false,
    measuredOrders: 60,
    measuredSeconds: seconds,
    warmUpSeconds: null,
    firstSaveSeconds: null,
    seconds,
    ordersPerSecond: null,
    ratio: null,
    timesFaster: null,
    wantedSeconds: null,
  };
}

const UNMEASURED = [way('unordered-1', 1, null), way('unordered-2', 2, null)];
const HALF = [way('unordered-1', 1, 1.2), way('unordered-2', 2, null)];
const ALL = [way('unordered-1', 1, 1.2), way('unordered-2', 2, 1.1)];
const RUNNING: ComparisonResponse = { ...IDLE, state: 'running' };
const FAILED: ComparisonResponse = { ...IDLE, state: 'failed' };

describe('the status text of a comparison', () => {
  it('is empty when there is no comparison', () => {
    expect([comparisonText(null, false), comparisonText(IDLE, false)]).toEqual(['', '']);
  });

  it('is the progress, from the start of its pipeline to its end', () => {
    const texts = [
      comparisonText(RUNNING, false),
      comparisonText({ ...RUNNING, ways: UNMEASURED }, false),
      comparisonText({ ...RUNNING, ways: HALF, current: 'unordered-2' }, false),
      comparisonText({ ...RUNNING, ways: ALL }, false),
    ];
    expect(texts).toEqual([
      'starting its pipeline',
      'starting its pipeline',
      'measuring: in flight, without order, 2 consumers',
      'stopping its pipeline',
    ]);
  });

  it('says that the comparison is stopping, and then that it is stopped', () => {
    expect(comparisonText({ ...RUNNING, ways: HALF, current: 'unordered-2' }, true)).toBe('stopping');
    const error = { code: 'interrupted', message: 'The comparison was ended (SIGTERM).' };
    expect(comparisonText({ ...FAILED, ways: HALF, error }, true)).toBe('Stopped. The results so far are kept.');
    expect(comparisonText({ ...FAILED, error }, true)).toBe('Stopped.');
    expect(hasFailed({ ...FAILED, error })).toBe(false);
  });

  it('is the reason of a failure', () => {
    const error = { code: 'comparison-failed', message: 'by-key-1: 7 of 60 orders were saved in time.' };
    expect(comparisonText({ ...FAILED, ways: HALF, error }, false)).toBe(error.message);
    expect(hasFailed({ ...FAILED, ways: HALF, error })).toBe(true);
  });

  it('says whether other processes used the machine', () => {
    const done: ComparisonResponse = { ...IDLE, state: 'done', ways: ALL };
    expect(comparisonText({ ...done, noisy: true }, false)).toMatch('Other processes used');
    expect(comparisonText({ ...done, noisy: false }, false)).toBe('');
  });
});
