import { inspect, isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { orderGenerator } from '#orders/generator/generator.js';
import { completeOrder, IntakeOrderSchema } from '#orders/order/intake-order.js';
import { MAX_PRICE } from '#orders/order/money.js';
import { orderResponse } from '#orders/order/order-response.js';
import { MAX_QUANTITY, SIDES, orderViolation, type LegacyOrder } from '#orders/order/order.js';
import { parseStrictJson, comparable } from '../json/strict-json.js';
import { fromResponse, toOrderBody } from './api-order.js';
import { fromLegacy } from './from-legacy.js';
import { LegacyTimeZone } from './legacy-time-zone.js';
import { legacyView, toLegacy } from './to-legacy.js';

const UTC = new LegacyTimeZone('UTC');
const ZONES = [UTC, new LegacyTimeZone('Europe/Berlin'), new LegacyTimeZone('Australia/Lord_Howe')];

/** Any order that the target can store, with amounts of up to 22 digits and instants around changes of the clocks. */
const anyOrder: fc.Arbitrary<LegacyOrder> = fc
  .record({
    id: fc.uuid(),
    accountId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    side: fc.constantFrom(...SIDES),
    symbol: fc.string({ minLength: 1, maxLength: 32 }),
    quantity: fc.integer({ min: 1, max: MAX_QUANTITY }),
    price: fc.oneof(fc.bigInt({ min: 1n, max: 10_000_000n }), fc.bigInt({ min: 1n, max: MAX_PRICE })),
    currency: fc.constantFrom('EUR', 'USD', 'JPY'),
    createdAt: fc.oneof(
      fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
      fc.date({ min: new Date('2026-10-24T23:00:00Z'), max: new Date('2026-10-25T03:00:00Z'), noInvalidDate: true }),
    ),
    number: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constant(Number.MAX_SAFE_INTEGER)),
  })
  .map(({ number, ...order }) =>
    Object.assign(order, { amount: BigInt(order.quantity) * order.price, legacy: { number, filled: [] } }),
  );

function mostly<T, U>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ arbitrary: good, weight: 19 }, { arbitrary: bad, weight: 1 });
}

/** Sends a value over HTTP: as JSON, parsed strictly at the other end. */
function received(value: unknown): unknown {
  const parsed = parseStrictJson(JSON.stringify(value));
  if ('fault' in parsed) throw new Error(parsed.fault.detail);
  return parsed.value;
}

/** Sends an order to the legacy system and back. @returns whether it is the same, or why not */
function throughLegacy(order: LegacyOrder, zone: LegacyTimeZone): string {
  const sent = toLegacy(order, zone);
  if ('reason' in sent) return sent.reason.code;
  const back = fromLegacy(received(sent.record), zone);
  return isDeepStrictEqual(back, { order }) ? 'the same order' : `${inspect(order)} came back as ${inspect(back)}`;
}

describe('the translation', () => {
  it('from new to legacy to new is the identity for each generated order', () => {
    const generate = orderGenerator({
      operationId: '01935c9e-8a00-7000-8000-000000000001',
      seed: 7,
      count: 5_000,
      firstNumber: 1,
      accounts: 100,
      from: new Date('2026-01-01T00:00:00Z'),
      to: new Date('2026-10-24T00:00:00Z'),
    });
    const changed = Array.from({ length: 5_000 }, (_, index) => generate(index)).flatMap(({ number, ...content }) => {
      const order = { ...content, legacy: { number, filled: [] } };
      return ZONES.map((zone) => throughLegacy(order, zone)).filter((outcome) => outcome !== 'the same order');
    });
    expect(changed).toEqual([]);
  });

  it('from new to legacy to new is the identity, or rejects with a code, for any order', () => {
    const outcomes = ['the same order', 'not-exact-as-float', 'ambiguous-time', 'not-a-local-time', 'bad-text'];
    const property = fc.property(anyOrder, fc.constantFrom(...ZONES), (order, zone) => {
      expect(outcomes).toContain(throughLegacy(order, zone));
    });
    fc.assert(property, { numRuns: 3_000 });
  });

  it('from legacy to new to legacy is the identity for whatever is accepted', () => {
    const digits = mostly(
      fc.maxSafeNat().map((units) => units / 10_000),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    let accepted = 0;
    const record = fc.record({
      id: mostly(fc.uuid(), fc.string()),
      number: mostly(fc.maxSafeNat(), fc.double()),
      accountId: mostly(fc.string({ minLength: 1, maxLength: 64 }), fc.string()),
      side: mostly(fc.constantFrom('buy', 'sell'), fc.constant('BUY')),
      symbol: mostly(fc.string({ minLength: 1, maxLength: 32 }), fc.string({ minLength: 33 })),
      quantity: mostly(fc.integer({ min: 1, max: 10_000 }), fc.integer()),
      price: digits,
      amount: fc.constant(0),
      currency: mostly(fc.constant('EUR'), fc.constant('eur')),
      createdAt: fc
        .date({ min: new Date('2026-03-28'), max: new Date('2026-10-26'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, -1)),
    });
    const property = fc.property(record, fc.boolean(), fc.constantFrom(...ZONES), (fields, isExact, zone) => {
      const amount = fields.quantity * fields.price;
      const sent = received({ ...fields, amount: isExact ? Number(amount.toFixed(4)) : amount });
      const read = fromLegacy(sent, zone);
      if ('reason' in read) return;
      accepted += 1;
      expect(orderViolation({ ...read.order, number: 1 })).toBeUndefined();
      const back = toLegacy(read.order, zone);
      expect(back).toEqual({ record: comparable(sent) });
      expect(legacyView(read.order, zone)).toEqual(comparable(sent));
    });
    fc.assert(property, { numRuns: 3_000 });
    expect(accepted).toBeGreaterThan(100);
  });

  it('gives the order API what it accepts, and the same order comes out of it', () => {
    const property = fc.property(anyOrder, fc.integer({ min: 1 }), (order, number) => {
      const parsed = IntakeOrderSchema.safeParse(JSON.parse(JSON.stringify(toOrderBody(order))));
      const isPlain = throughLegacy(order, UTC) !== 'bad-text';
      expect(parsed.success).toBe(isPlain);
      if (!parsed.success) return;
      const made = completeOrder(parsed.data, { id: parsed.data.id ?? '', number, createdAt: new Date(0) });
      expect(made).toEqual({ ...order, number });
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it('is the identity through the answer of the query API', () => {
    const property = fc.property(anyOrder, fc.integer({ min: 1 }), (order, number) => {
      const answer: unknown = JSON.parse(JSON.stringify(orderResponse({ ...order, number })));
      expect(fromResponse(answer)).toEqual({ order: { ...order, number } });
    });
    fc.assert(property, { numRuns: 500 });
  });
});
