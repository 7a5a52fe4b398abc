import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { orderGenerator, type PopulateInput } from './generator.js';
import { formatMoney } from '../order/money.js';
import { orderViolation } from '../order/order.js';
import { murmur3 } from './seeded-random.js';
import { locateFaults, type FaultMix } from './fault-mix.js';
import { saveDelayMs, saveDrawsOf } from '../consumer/simulated-save.js';

const BATCH: PopulateInput = {
  operationId: '01935c9e-8a00-7000-8000-000000000001',
  seed: 42,
  count: 10_000_000,
  firstNumber: 1,
  accounts: 100_000,
  from: new Date('2026-01-01T00:00:00Z'),
  to: new Date('2026-01-02T00:00:00Z'),
};

describe('order generator', () => {
  it.each([
    [
      42,
      0,
      'f95328b7-b966-8247-89e7-000000000000 1 acc-0023240 buy 6125 GALE 150.6555 EUR 922764.9375 2026-01-01T00:00:00.000Z',
    ],
    [
      42,
      1,
      'f95328b7-b966-8247-89e7-000000000001 2 acc-0072034 buy 9423 CRUX 9.6962 USD 91367.2926 2026-01-01T00:00:00.008Z',
    ],
    [
      42,
      9_999_999,
      'f95328b7-b966-8247-89e7-00000098967f 10000000 acc-0090748 sell 8023 ONYX 27.4986 AUD 220621.2678 2026-01-01T23:59:59.991Z',
    ],
    [
      Number.MAX_SAFE_INTEGER,
      7,
      'f95328b7-b966-8247-89e7-000000000007 8 acc-0010461 buy 5697 CRUX 10.2732 USD 58526.4204 2026-01-01T00:00:00.060Z',
    ],
  ])('of seed %d makes the same order %d as ever, so that old orders can be generated again', (seed, index, golden) => {
    const order = orderGenerator({ ...BATCH, seed })(index);
    const { id, number, accountId, side, quantity, symbol, currency } = order;
    const [price, amount] = [formatMoney(order.price), formatMoney(order.amount)];
    const fields = [
      id,
      number,
      accountId,
      side,
      quantity,
      symbol,
      price,
      currency,
      amount,
      order.createdAt.toISOString(),
    ];
    expect(fields.join(' ')).toBe(golden);
  });

  it('generates each order independently of earlier ones', () => {
    const indexes = fc.array(fc.nat(BATCH.count - 1), { minLength: 1, maxLength: 50 });
    const property = fc.property(indexes, (walk) => {
      const walked = orderGenerator(BATCH);
      for (const index of walk) expect(walked(index)).toEqual(orderGenerator(BATCH)(index));
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('generates only valid orders, with dense numbers and rising dates', () => {
    const batches = fc.record({
      seed: fc.maxSafeNat(),
      count: fc.integer({ min: 1, max: 10_000_000 }),
      accounts: fc.integer({ min: 1, max: 10_000_000 }),
      firstNumber: fc.integer({ min: 1, max: 2 ** 50 }),
    });
    const property = fc.property(batches, fc.nat(), (drawn, pick) => {
      const batch = { ...BATCH, ...drawn };
      const index = pick % batch.count;
      const order = orderGenerator(batch)(index);
      expect(orderViolation(order)).toBeUndefined();
      expect(order.number).toBe(batch.firstNumber + index);
      expect(Number(order.accountId.slice(4))).toBeLessThan(batch.accounts);
      expect(order.createdAt >= batch.from && order.createdAt < batch.to).toBe(true);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it('spreads the orders over all accounts, sides and quantities', () => {
    const orderAt = orderGenerator({ ...BATCH, accounts: 100 });
    const orders = Array.from({ length: 20_000 }, (_, index) => orderAt(index));
    const share = (of: (order: (typeof orders)[number]) => boolean): number => orders.filter(of).length / orders.length;
    expect(new Set(orders.map(({ accountId }) => accountId)).size).toBe(100);
    expect(new Set(orders.map(({ symbol }) => symbol)).size).toBe(16);
    expect(share(({ side }) => side === 'buy')).toBeCloseTo(0.5, 1);
    expect(share(({ quantity }) => quantity <= 5_000)).toBeCloseTo(0.5, 1);
  });
});

/** Reads four words from 16 characters, like the reference implementation on a little-endian machine. */
function wordsOf(text: string): [number, number, number, number] {
  const bytes = Buffer.from(text);
  return [bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), bytes.readInt32LE(12)];
}

describe('murmur3', () => {
  // Values from the Python package mmh3, which wraps the author's C++ code.
  it('agrees with the reference implementation', () => {
    expect(murmur3(0, 0, 0, 0, 0)).toBe(0x8134_cdf8);
    expect(murmur3(0, ...wordsOf('0123456789abcdef'))).toBe(0x36c7_e0df);
    expect(murmur3(42, ...wordsOf('0123456789abcdef'))).toBe(0x98e9_8b73);
  });

  it('spreads neighbouring counters evenly', () => {
    const buckets = Array.from({ length: 16 }, () => 0);
    for (let index = 0; index < 16_000; index += 1) {
      const bucket = murmur3(1, 42, 0, index, 0) >>> 28;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    expect(Math.min(...buckets)).toBeGreaterThan(850);
    expect(Math.max(...buckets)).toBeLessThan(1_150);
  });
});

const MIX: FaultMix = { poison: 0.02, oversized: 0.01, duplicate: 0.05, conflict: 0.03 };
const ORDERS = 100_000;

function count(seed: number, mix: FaultMix): Record<string, number> {
  const faultsAt = locateFaults(seed, mix);
  const counts: Record<string, number> = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  for (let index = 0; index < ORDERS; index += 1) {
    const { instead, extras } = faultsAt(index);
    for (const fault of instead === undefined ? extras : [instead, ...extras]) counts[fault] = (counts[fault] ?? 0) + 1;
  }
  return counts;
}

/** Returns the indexes that are followed by an extra record. */
function struck(seed: number): number[] {
  const faultsAt = locateFaults(seed, MIX);
  return Array.from({ length: 1_000 }, (_, index) => index).filter((index) => faultsAt(index).extras.length > 0);
}

describe('fault mix', () => {
  it('affects the requested fractions of orders', () => {
    const counts = count(1, MIX);
    const unreplaced = 1 - MIX.poison - MIX.oversized;
    const { poison, oversized, duplicate, conflict } = MIX;
    const expected = { poison, oversized, duplicate: duplicate * unreplaced, conflict: conflict * unreplaced };
    for (const [fault, fraction] of Object.entries(expected))
      expect((counts[fault] ?? 0) / ORDERS / fraction).toBeCloseTo(1, 0);
  });

  it('affects the same orders for the same seed, and other orders for another seed', () => {
    expect(struck(7)).toEqual(struck(7));
    expect(struck(7)).not.toEqual(struck(8));
  });

  it('adds no extra record after a replaced order', () => {
    const mix = { poison: 0.5, oversized: 0.5, duplicate: 1, conflict: 1 };
    const { poison = 0, oversized = 0, ...extras } = count(1, mix);
    expect(poison + oversized).toBe(ORDERS);
    expect(extras).toEqual({ duplicate: 0, conflict: 0 });
  });

  it('affects every order at 1 and none at 0', () => {
    const mix = { poison: 0, oversized: 0, duplicate: 1, conflict: 1 };
    expect(count(3, mix)).toEqual({ poison: 0, oversized: 0, duplicate: ORDERS, conflict: ORDERS });
    expect(locateFaults(3, null)(5)).toEqual({ instead: undefined, extras: [] });
  });
});

const SAVES = 10_000;

function delays(seed: number): number[] {
  const drawOf = saveDrawsOf(seed);
  return Array.from({ length: SAVES }, (_, index) => saveDelayMs({ minimum: 0, maximum: 1_000 }, drawOf(index)));
}

describe('simulated save', () => {
  it('takes equally long in every run of a seed, and differently long with another seed', () => {
    expect(delays(7)).toEqual(delays(7));
    expect(delays(7)).not.toEqual(delays(8));
  });

  it('does not change between versions, so that older measurements stay comparable', () => {
    expect(delays(1).slice(0, 5)).toEqual([914, 905, 766, 599, 402]);
  });

  it('is drawn uniformly between its bounds', () => {
    const drawn = delays(1);
    expect(drawn.reduce((sum, delay) => sum + delay, 0) / SAVES).toBeCloseTo(500, -1);
    for (const tenth of Array.from({ length: 10 }, (_, at) => at * 100)) {
      const within = drawn.filter((delay) => delay >= tenth && delay < tenth + 100).length;
      expect(within).toBeGreaterThan(SAVES / 12);
    }
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(1_000);
  });

  it('is in whole milliseconds, at least the minimum', () => {
    expect([0, 0.5, 0.999_9].map((draw) => saveDelayMs({ minimum: 100, maximum: 300 }, draw))).toEqual([100, 200, 300]);
  });
});
