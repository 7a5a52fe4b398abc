import { describe, expect, it } from '@jest/globals';
import type { OrderResponse } from '#orders/order/order-response.js';
import { judgeOrder, judgePage, SavedNumbers } from './load.js';

const order = (number: number, amount = '1.0000'): OrderResponse => ({ number, amount }) as OrderResponse;
const page = (...items: (OrderResponse | null)[]) => ({ status: 200, body: { items } as object });
const all = [order(1), order(2), order(3)];

describe('a response for one order', () => {
  it.each([
    { what: 'the order as it was created', status: 200, body: order(1), isSaved: true, outcome: 'right' },
    { what: 'a 404 before the order is known to be saved', status: 404, body: {}, isSaved: false, outcome: 'absent' },
    { what: 'an unreadable body', status: 200, body: undefined, isSaved: false, outcome: 'wrong' },
    { what: 'a 503', status: 503, body: {}, isSaved: true, outcome: 'error' },
    { what: 'a 404 for a saved order', status: 404, body: {}, isSaved: true, outcome: 'wrong' },
    { what: 'another amount', status: 200, body: order(1, '2.0000'), isSaved: true, outcome: 'wrong' },
    { what: 'an unexpected error', status: 500, body: {}, isSaved: true, outcome: 'wrong' },
  ])('with $what is judged $outcome', ({ status, body, isSaved, outcome }) => {
    expect(judgeOrder({ status, body }, order(1), isSaved).outcome).toBe(outcome);
  });
});

describe('a response for a page', () => {
  it.each([
    { what: 'all orders', answer: page(...all), saved: [1, 2, 3], outcome: 'right' },
    { what: 'more orders than are known to be saved', answer: page(...all), saved: [1], outcome: 'right' },
    { what: 'a gap where no saved order is known', answer: page(order(1), order(3)), saved: [1, 3], outcome: 'right' },
    { what: 'a gap where an order is saved', answer: page(order(1), order(3)), saved: [1, 2, 3], outcome: 'wrong' },
    { what: 'one order twice', answer: page(order(1), order(1)), saved: [1], outcome: 'wrong' },
    { what: 'an order that was never created', answer: page(order(4)), saved: [], outcome: 'wrong' },
    { what: 'an altered order', answer: page(order(1, '9.0000')), saved: [], outcome: 'wrong' },
    { what: 'no orders where none is known to be saved', answer: page(), saved: [9], outcome: 'absent' },
    { what: 'no list of orders', answer: { status: 200, body: {} }, saved: [1], outcome: 'wrong' },
    { what: 'an item that is no order', answer: page(null), saved: [1], outcome: 'wrong' },
    { what: 'a 503', answer: { status: 503, body: {} }, saved: [1], outcome: 'error' },
  ])('with $what is judged $outcome', ({ answer, saved, outcome }) => {
    expect(judgePage(answer, all, (number) => saved.includes(number)).outcome).toBe(outcome);
  });
});

const FIRST = 101;
const saved = (): SavedNumbers => new SavedNumbers(FIRST, 1_000, 2);
const note = (numbers: SavedNumbers, index: number): void =>
  numbers.note({ number: FIRST + index, partition: index % 2 });

describe('the known saved orders', () => {
  it('are those noted from inserts, counted by partition, without other operations', () => {
    const numbers = saved();
    for (const index of [0, 1, 2, -1, 1_000]) note(numbers, index);
    expect([numbers.total, numbers.byPartition]).toEqual([3, [2, 1]]);
    expect([FIRST + 2, FIRST + 3, FIRST - 1].map((number) => numbers.has(number))).toEqual([true, false, false]);
  });

  it('include orders that a read returned before their insert was noted, and count them at the insert', () => {
    const numbers = saved();
    numbers.noteReturned(FIRST + 7);
    expect([numbers.has(FIRST + 7), numbers.total]).toEqual([true, 0]);
    note(numbers, 7);
    expect(numbers.total).toBe(1);
  });

  it('offer one of the last 20 saved orders for a read', () => {
    const numbers = saved();
    expect(numbers.oneOfTheLast(() => 0)).toBeUndefined();
    for (let index = 0; index < 500; index += 1) note(numbers, index);
    const drawn = Array.from({ length: 20 }, (_, at) => numbers.oneOfTheLast(() => at) ?? 0);
    expect([Math.min(...drawn), Math.max(...drawn)]).toEqual([480, 499]);
  });
});
