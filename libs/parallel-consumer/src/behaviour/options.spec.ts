import { describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../options.js';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const OPTIONS = { handler: () => Promise.resolve(), logger: silent, deadLetterTopic: 'dead' };

describe('the options', () => {
  it('have defaults, which given options replace', () => {
    expect(resolveOptions(OPTIONS)).toMatchObject({ inFlight: 'auto', ordering: 'key', maxAttempts: 5 });
    expect(resolveOptions({ ...OPTIONS, maxAttempts: 2 })).toMatchObject({ maxAttempts: 2 });
  });

  it('are rejected with the name and the value of a wrong bound', () => {
    expect(() => resolveOptions({ ...OPTIONS, inFlight: 0 })).toThrow(
      'inFlight must be an integer of at least 1, got 0',
    );
  });

  it('are rejected with the new name of a renamed one', () => {
    const before = { ...OPTIONS, maxTaken: 100 };
    expect(() => resolveOptions(before)).toThrow('maxTaken was renamed: set maxBuffered instead');
  });
});
