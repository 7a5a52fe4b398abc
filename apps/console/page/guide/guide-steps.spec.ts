import { describe, expect, it } from '@jest/globals';
import { NEW_GUIDE, readProgress, StepWatch, withSteps, type Observed } from './guide-steps.js';

const NOTHING: Observed = { operations: 0, savedPerSecond: 0, scalings: 0, queries: 4 };

describe('a step of the guide', () => {
  it('is not done while nothing happens, or while it is unknown what happens', () => {
    const watch = new StepWatch();
    const unknown = { operations: null, savedPerSecond: null, scalings: 0, queries: null };
    expect([NOTHING, NOTHING, unknown, NOTHING].map((observed) => watch.take(observed))).toEqual([[], [], [], []]);
  });

  it('is done by an operation, by orders that were saved, and by a scaling with a verdict', () => {
    expect(new StepWatch().take({ ...NOTHING, operations: 1 })).toEqual(['populate']);
    expect(new StepWatch().take({ ...NOTHING, savedPerSecond: 0.2 })).toEqual(['watch']);
    expect(new StepWatch().take({ ...NOTHING, scalings: 1 })).toEqual(['scale']);
  });

  it('is done by a further query, but not by those before the page was opened, or by a restart of the query API', () => {
    const watch = new StepWatch();
    const taken = [4, 0, null, 1].map((queries) => watch.take({ ...NOTHING, queries }));
    expect(taken).toEqual([[], [], [], ['query']]);
  });
});

describe('the progress of the guide', () => {
  it('keeps what is done, in the order of the steps', () => {
    const one = withSteps(NEW_GUIDE, ['query']);
    expect(withSteps(one, ['populate', 'query'])).toEqual({ done: ['populate', 'query'], isDismissed: false });
    expect(withSteps(one, ['query'])).toBe(one);
  });

  it('survives storage', () => {
    const progress = { done: ['populate', 'scale'] as const, isDismissed: true };
    expect(readProgress(JSON.stringify(progress))).toEqual(progress);
  });

  it.each([null, '', 'null', '7', '[]', '{"done":7}', '{"done":["nothing"],"isDismissed":"no"}'])(
    'is new after %j',
    (text) => {
      expect(readProgress(text)).toEqual(NEW_GUIDE);
    },
  );
});
