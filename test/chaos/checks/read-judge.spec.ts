import { describe, expect, it } from '@jest/globals';
import type { OrderResponse } from '#orders/order-response.js';
import { judgeOrder, judgePage } from './read-judge.js';

const order = (number: number, amount = '1.0000'): OrderResponse => ({ number, amount }) as OrderResponse;
const page = (...items: (OrderResponse | null)[]) => ({ status: 200, body: { items } as object });
const all = [order(1), order(2), order(3)];

describe('an answer about one order', () => {
  it.each([
    { what: 'the order as it was made', status: 200, body: order(1), isSaved: true, outcome: 'right' },
    { what: 'none, before it is known to be saved', status: 404, body: {}, isSaved: false, outcome: 'absent' },
    { what: 'nothing that can be read', status: 200, body: undefined, isSaved: false, outcome: 'lie' },
    { what: 'that the database is away', status: 503, body: {}, isSaved: true, outcome: 'error' },
    { what: 'none, though it is saved', status: 404, body: {}, isSaved: true, outcome: 'lie' },
    { what: 'another amount', status: 200, body: order(1, '2.0000'), isSaved: true, outcome: 'lie' },
    { what: 'an error that nobody has thought of', status: 500, body: {}, isSaved: true, outcome: 'lie' },
  ])('that says $what is $outcome', ({ status, body, isSaved, outcome }) => {
    expect(judgeOrder({ status, body }, order(1), isSaved).outcome).toBe(outcome);
  });
});

describe('an answer about a page', () => {
  it.each([
    { what: 'all of it', answer: page(...all), saved: [1, 2, 3], outcome: 'right' },
    { what: 'more than is known to be saved', answer: page(...all), saved: [1], outcome: 'right' },
    { what: 'a gap where nothing is known to be', answer: page(order(1), order(3)), saved: [1, 3], outcome: 'right' },
    { what: 'a gap where one is saved', answer: page(order(1), order(3)), saved: [1, 2, 3], outcome: 'lie' },
    { what: 'one twice', answer: page(order(1), order(1)), saved: [1], outcome: 'lie' },
    { what: 'one that nobody made', answer: page(order(4)), saved: [], outcome: 'lie' },
    { what: 'one altered', answer: page(order(1, '9.0000')), saved: [], outcome: 'lie' },
    { what: 'nothing, where nothing is known to be', answer: page(), saved: [9], outcome: 'absent' },
    { what: 'no orders at all', answer: { status: 200, body: {} }, saved: [1], outcome: 'lie' },
    { what: 'an order that is none', answer: page(null), saved: [1], outcome: 'lie' },
    { what: 'that it can not be told now', answer: { status: 503, body: {} }, saved: [1], outcome: 'error' },
  ])('with $what is $outcome', ({ answer, saved, outcome }) => {
    expect(judgePage(answer, all, (number) => saved.includes(number)).outcome).toBe(outcome);
  });
});
