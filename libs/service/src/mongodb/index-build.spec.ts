import { expect, it } from '@jest/globals';
import { describeProgress } from './index-build.js';

it.each([
  [
    {
      msg: 'Index Build: scanning collection Index Build: scanning collection: 1200000/5000000 24%',
      progress: { done: 1_200_000, total: 5_000_000 },
    },
    'scanning collection 1,200,000 of 5,000,000',
  ],
  [{ msg: 'Index Build: draining writes received during build' }, 'draining writes received during build'],
  [{ msg: 'something else' }, 'working'],
  [{}, undefined],
])('the progress of %j', (operation, line) => {
  expect(describeProgress(operation)).toBe(line);
});
