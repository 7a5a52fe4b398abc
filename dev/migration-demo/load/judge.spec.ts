import { describe, expect, it } from '@jest/globals';
import { judgeList, judgeOrder, judgeWrite, type KnownOrder } from './judge.js';

function orderWith(number: number, change: object = {}): KnownOrder {
  const order = {
    id: `id-${number}`,
    number,
    accountId: 'demo-01',
    side: 'buy',
    symbol: 'ACME',
    quantity: 3,
    price: 187.35,
    amount: 562.05,
    currency: 'EUR',
    createdAt: '2026-01-31T12:00:00.000',
    ...change,
  };
  return { id: order.id, number, text: JSON.stringify(order) };
}

const SENT = {
  id: 'id-7',
  accountId: 'demo-01',
  side: 'buy',
  symbol: 'ACME',
  quantity: 3,
  price: 187.35,
  currency: 'EUR',
} as const;
const [one, two, three] = [orderWith(1), orderWith(2), orderWith(3)];
const known = (...orders: KnownOrder[]) => new Map(orders.map(({ number, text }) => [number, text]));
const page = (...orders: KnownOrder[]) => `[\n${orders.map(({ text }) => text).join(',\n')}\n]\n`;

describe('the judge of an answer', () => {
  it('accepts a write with all that was sent', () => {
    const { text } = orderWith(7);
    expect(judgeWrite(text, SENT)).toEqual({ verdict: 'right', orders: [orderWith(7)] });
    expect(judgeWrite(text, { ...SENT, createdAt: '2026-01-31T12:00:00.000' }).verdict).toBe('right');
  });

  it.each([
    ['another price', orderWith(7, { price: 187.4 }).text],
    ['another id', orderWith(8).text],
    ['no order', 'null'],
    ['a field more', orderWith(7, { extra: 1 }).text],
    ['HTML', '<html></html>'],
  ])('rejects a write that was answered with %s', (_what, body) => {
    expect(judgeWrite(body, SENT).verdict).toBe('wrong');
  });

  it('accepts a read by id only with the known content, and null only for an unknown id', () => {
    expect(judgeOrder(one.text, one.text).verdict).toBe('right');
    expect(judgeOrder('null', undefined).verdict).toBe('right');
    expect(judgeOrder('null', one.text).verdict).toBe('wrong');
    expect(judgeOrder(one.text, undefined).verdict).toBe('wrong');
    expect(judgeOrder(orderWith(1, { side: 'sell' }).text, one.text).verdict).toBe('wrong');
  });

  it('accepts a list with more than the client knows', () => {
    expect(judgeList(page(one, two, three), { from: 1, to: 10 }, known(two))).toMatchObject({
      verdict: 'right',
      orders: [one, two, three],
    });
    expect(judgeList('[]', { from: 1, to: 10 }, known()).verdict).toBe('right');
  });

  it.each([
    ['misses a known order', page(one, three), known(two), 'order 2 is missing'],
    ['has other content', page(orderWith(2, { quantity: 4 })), known(two), 'the client knows'],
    ['is not sorted', page(two, one), known(), 'not in its place'],
    ['has an order twice', page(one, one), known(), 'not in its place'],
    ['goes beyond what was asked for', page(one, orderWith(11)), known(), 'not in its place'],
    ['is cut off', page(one).slice(0, -20), known(), 'is not JSON'],
    ['is no list', '{}', known(), 'is no list'],
  ])('rejects a list that %s', (_what, body, before, reason) => {
    expect(judgeList(body, { from: 1, to: 10 }, before)).toEqual({
      verdict: 'wrong',
      reason: expect.stringContaining(reason),
    });
  });
});
