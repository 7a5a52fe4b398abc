import { describe, expect, it } from '@jest/globals';
import { progressOf } from './service-states.js';

describe('progressOf', () => {
  it.each([
    ['2/3', 2, 3],
    ['1/2 (max 2 per node)', 1, 2],
    ['0/1 (1/1 completed)', 1, 1],
    ['1/1 (0/1 completed)', 0, 1],
  ])('reads %s', (text, done, wanted) => {
    expect(progressOf(text)).toEqual({ done, wanted });
  });
});
