import { expect, it } from '@jest/globals';
import { orderName } from './order-name.js';

it('names an order by its number, and never by its index from 0', () => {
  expect(orderName(12_543, 1)).toBe('order number 12,544');
  expect(orderName(0, 50_001)).toBe('order number 50,001');
  expect(orderName(4, null)).toBe('record 5');
});
