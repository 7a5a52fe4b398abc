import { describe, expect, it } from '@jest/globals';
import { aLegacyRecord, idOf } from '#orders/testing/an-order.js';
import { ClientMemory, Sightings } from './client-memory.js';
import { storedOrder, type StoredOrder } from './stored-orders.js';

/** An order as the legacy system answers it, with its fields in the legacy system's order. */
function answered(number: number, change: object = {}): StoredOrder {
  const { currency, createdAt, ...others } = aLegacyRecord({ number });
  return storedOrder({ ...others, currency, createdAt, ...change });
}

const list = (...orders: StoredOrder[]): string => `[\n${orders.map(({ text }) => text).join(',\n')}\n]\n`;
const one = (number: number) => ({ path: `/orders/${idOf(number)}`, id: idOf(number) });
const RANGE = { path: '/orders/range?start=1&end=9', from: 1, to: 9 };
const SENT = {
  id: idOf(4),
  accountId: 'acc-1',
  side: 'buy',
  symbol: 'ACME',
  quantity: 3,
  price: 187.35,
  currency: 'EUR',
} as const;
const UNPRICED = { ...SENT, createdAt: answered(4).text.slice(-25, -2) };

/** A client that knows the old order 1, and its own order 4. */
function client(sightings = new Sightings([answered(1)])): ClientMemory {
  const memory = new ClientMemory(sightings);
  memory.judgeWrite(answered(4).text, SENT);
  return memory;
}

describe("a client's memory", () => {
  it('accepts answers that have all known orders, and learns new ones', () => {
    const memory = client();
    expect(memory.judge(one(7), 'null')).toBeUndefined();
    expect(memory.judge(one(4), answered(4).text)).toBeUndefined();
    expect(memory.judge(RANGE, list(answered(1), answered(4), answered(6)))).toBeUndefined();
    expect(memory.learned.map(({ number }) => number)).toEqual([4, 6]);
    expect(memory.judge(one(6), 'null')).toContain('missing');
  });

  it('accepts the answer to a write that has all that was sent', () => {
    expect(client().judgeWrite(answered(4).text, UNPRICED)).toEqual(answered(4));
  });

  it.each([
    ['another price', answered(4, { price: 187.4 }).text],
    ['another id', answered(5).text],
    ['no order', 'null'],
    ['a field more', answered(4, { extra: 1 }).text],
    ['HTML', '<html></html>'],
  ])('finds a write that is answered by %s', (_, text) => {
    expect(typeof client().judgeWrite(text, SENT)).toBe('string');
  });

  it.each([
    ['misses an old order', list(answered(4)), 'order 1 is known to the client, and missing'],
    ['misses the own write', list(answered(1)), 'order 4 is known to the client, and missing'],
    ['has another content of an old order', list(answered(1, { side: 'sell' }), answered(4)), 'and is'],
    ['has another content of a known order', list(answered(1), answered(4, { quantity: 4 })), 'and is'],
    ['has a known order under another number', list(answered(1), answered(4), answered(9, { id: idOf(4) })), 'had'],
    ['has an order twice', list(answered(1), answered(1)), 'out of order, or there twice'],
    ['is not sorted', list(answered(4), answered(1)), 'out of order, or there twice'],
    ['goes beyond what was asked for', list(answered(1), answered(4), answered(10)), 'out of the range'],
    ['is cut off', list(answered(1)).slice(0, -20), 'no JSON'],
    ['is no list', '{}', 'no list of orders'],
    ['has no orders in it', '[1]', 'no order'],
  ])('finds a range that %s', (_, text, reason) => {
    expect(client().judge(RANGE, text)).toContain(reason);
  });

  it.each([
    ['null for an old order', one(1), 'null', 'missing'],
    ['null for the own write', one(4), 'null', 'missing'],
    ['another order', one(4), answered(1).text, 'another order'],
    ['an order for an unknown id', one(7), answered(7).text, 'an unknown id has an order'],
    ['another content', one(1), answered(1, { side: 'sell' }).text, 'and is'],
    ['HTML', one(1), '<html>', 'no JSON'],
  ])('finds a read by id that is answered by %s', (_, read, text, reason) => {
    expect(client().judge(read, text)).toContain(reason);
  });

  it('finds a read that goes back behind an earlier one, but not what only another client has seen', () => {
    const sightings = new Sightings([answered(1)]);
    const [memory, other] = [client(sightings), new ClientMemory(sightings)];
    expect(memory.judge(RANGE, list(answered(1), answered(4), answered(6)))).toBeUndefined();
    expect(memory.judge(RANGE, list(answered(1), answered(4)))).toContain('order 6 is known');
    expect(other.judge(RANGE, list(answered(1)))).toBeUndefined();
    expect(other.judge(RANGE, list(answered(1), answered(4, { quantity: 9 })))).toContain('and is');
  });
});
