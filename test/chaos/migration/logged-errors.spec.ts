import { describe, expect, it } from '@jest/globals';
import { unexpectedErrors } from './logged-errors.js';

const line = (fields: object): string => `${JSON.stringify({ time: 'now', ...fields })}\n`;

describe('the errors of a log', () => {
  it('are its lines of level error, each message once', () => {
    const failed = line({ level: 50, msg: 'comparison failed', err: { message: 'no such field' } });
    const stack = line({ level: 50, msg: 'TypeError: x is undefined\n    at f' });
    expect(unexpectedErrors(line({ level: 40, msg: 'retrying' }) + failed + failed + stack)).toEqual([
      'comparison failed no such field',
      'TypeError: x is undefined',
    ]);
  });

  it('do not include a rollback', () => {
    expect(unexpectedErrors(line({ level: 50, msg: 'stage rolled back' }))).toEqual([]);
  });

  it('include what a crash prints', () => {
    expect(unexpectedErrors('node:internal/process\n')).toEqual(['node:internal/process']);
  });
});
