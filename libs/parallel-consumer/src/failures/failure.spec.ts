import { describe, expect, it } from '@jest/globals';
import { withoutThrowing } from './failure.js';

describe('a classifier with a defect', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('defect');
      },
      'Error: defect',
    ],
    ['returns a promise', async () => 'poison', 'an object is none of environment, retriable, poison'],
    ['returns nothing', () => undefined, 'undefined is none of environment, retriable, poison'],
    ['returns an unknown kind', () => 'maybe', "'maybe' is none of environment, retriable, poison"],
  ])('that %s counts as retriable, and the defect is reported', (_, classify, message) => {
    const defects: string[] = [];
    const classifier = withoutThrowing(classify as never, (defect) => void defects.push(String(defect)));
    expect(classifier(new Error('503'))).toBe('retriable');
    expect(defects).toEqual([expect.stringContaining(message)]);
  });
});
