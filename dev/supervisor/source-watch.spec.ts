import { describe, expect, it } from '@jest/globals';
import { compileErrors } from './source-watch.js';

describe('the end of a compilation in watch mode', () => {
  it.each([
    ['5:01:38 PM - Found 0 errors. Watching for file changes.', 0],
    ['5:01:38 PM - Found 1 error. Watching for file changes.', 1],
    ['5:01:38 PM - Found 12 errors. Watching for file changes.', 12],
    ['5:01:38 PM - File change detected. Starting incremental compilation...', undefined],
    ["apps/producer/src/pace.ts(18,7): error TS2322: Type 'string' is not assignable.", undefined],
  ])('with %j has %p errors', (line, errors) => {
    expect(compileErrors(line)).toBe(errors);
  });
});
