import { describe, expect, it } from '@jest/globals';
import { countText } from './count-text.js';

describe('the number of found orders', () => {
  it('is that of the page, and says whether more follow', () => {
    expect([
      countText(1, {}),
      countText(20, { number: 1, next: '/v1/orders?page=2' }),
      countText(7, { number: 3, prev: '/v1/orders?page=2' }),
      countText(20, { prev: '/v1/orders?pageToken=a', next: '/v1/orders?pageToken=b' }),
    ]).toEqual([
      '1 order found',
      '20 orders on page 1, more follow',
      '7 orders on page 3, the last one',
      '20 orders on this page, more follow',
    ]);
  });
});
