import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { parseStrictJson, comparable } from '#legacy/json/strict-json.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import type { Order } from '#orders/order/order.js';
import { anOrder, idOf } from '#orders/testing/an-order.js';
import type { NumberInterval } from '../sides/side.js';
import { compareInterval, type Difference, type IntervalFinding } from './compare-interval.js';
import { legacyRows, type VerifiedSides } from './side-readers.js';
import { runVerification, newProgress, resultOf, type VerificationProgress } from './verification.js';

const zone = new LegacyTimeZone('UTC');
const NEVER = new AbortController().signal;

function orderOf(number: number, accountId = 'acc-1'): Order {
  return anOrder({ id: idOf(number), number: number + 7, accountId, legacy: { number, filled: [] } });
}

/** Both sides in memory, and a verification of them. */
class BothSides implements VerifiedSides {
  readonly clock = new ManualClock();
  readonly rows = new Map<number, Order>();
  readonly orders = new Map<number, Order>();
  readonly open = new Set<number>();
  /** What the verification has recorded. */
  found: Difference[] = [];
  /** Called before each read of the legacy system. */
  beforeRead: () => void | Promise<void> = () => undefined;
  /** Called before the open writes are read. */
  beforeOpen: () => void = () => undefined;
  reads = 0;

  constructor(...numbers: readonly number[]) {
    for (const number of numbers) this.put(number);
  }

  async legacy(interval: NumberInterval) {
    await this.beforeRead();
    this.reads += 1;
    const rows = [...this.rows].filter(([number]) => isWithin(interval, number));
    return legacyRows(JSON.stringify(rows.map(([, order]) => legacyView(order, zone))));
  }

  async target(interval: NumberInterval) {
    return [...this.orders].filter(([number]) => isWithin(interval, number)).map(([, order]) => order);
  }

  async isEmpty(interval: NumberInterval) {
    return ![...this.rows.keys(), ...this.orders.keys()].some((number) => isWithin(interval, number));
  }

  async openNumbers(interval: NumberInterval) {
    this.beforeOpen();
    return new Set([...this.open].filter((number) => isWithin(interval, number)));
  }

  put(number: number): void {
    this.rows.set(number, orderOf(number));
    this.orders.set(number, orderOf(number));
  }

  /** An order that a client is writing: the legacy system has it already. */
  beginWrite(number: number): void {
    this.open.add(number);
    this.rows.set(number, orderOf(number));
  }

  endWrite(number: number): void {
    this.put(number);
    this.open.delete(number);
  }

  /** Compares the sides from some progress on, or all numbers up to one; lets 31 s pass. */
  async verify(from: VerificationProgress | number, hasClients = false): Promise<VerificationProgress> {
    const start = typeof from === 'number' ? newProgress(from) : from;
    const { clock } = this;
    const record = async (finding: IntervalFinding): Promise<void> => void this.found.push(...finding.differences);
    const run = runVerification(start, { sides: this, zone, clock, hasClients: () => hasClients, record }, NEVER);
    await clock.advance(31_000);
    return run;
  }
}

function isWithin({ from, to }: NumberInterval, number: number): boolean {
  return number >= from && number <= to;
}

describe('a verification', () => {
  it.each([
    ['four intervals at a time', false, 4],
    ['one interval at a time while clients are being answered', true, 1],
  ])('reads %s', async (_name, hasClients, expected) => {
    const sides = new BothSides(...Array.from({ length: 18 }, (_, at) => 500 * at + 1));
    let running = 0;
    let most = 0;
    sides.beforeRead = async () => {
      running += 1;
      most = Math.max(most, running);
      await setImmediate();
      running -= 1;
    };
    expect(resultOf(await sides.verify(9_000, hasClients))).toBe('equal');
    expect(most).toBe(expected);
  });

  it('finds two equal sides equal, holes included', async () => {
    const sides = new BothSides(1, 2, 999, 1_000, 1_001, 4_500);
    const progress = await sides.verify(5_000);
    expect(resultOf(progress)).toBe('equal');
    expect(progress).toMatchObject({ next: 5_001, orders: { legacy: 6, new: 6 } });
    expect(sides.found).toEqual([]);
  });

  it('does not read the pages before a number that a client has chosen far above all others', async () => {
    const sides = new BothSides(1, 1_500, 900_000_000, 950_000_000);
    sides.orders.delete(900_000_000);
    sides.rows.delete(950_000_000);
    expect(await sides.verify(1_000_000_000)).toMatchObject({ next: 1_000_000_001, orders: { legacy: 3, new: 3 } });
    expect(sides.found.map(({ kind, number }) => [kind, number])).toEqual([
      ['missing-in-new', 900_000_000],
      ['missing-in-legacy', 950_000_000],
    ]);
    expect(sides.reads).toBeLessThan(50);
  });

  it('names what is missing on either side, and the fields that differ', async () => {
    const sides = new BothSides(1, 2, 3, 2_001);
    sides.orders.delete(1);
    sides.rows.delete(2);
    sides.orders.set(2_001, orderOf(2_001, 'acc-2'));
    expect(resultOf(await sides.verify(2_001))).toBe('different');
    const fields = [{ path: 'accountId', legacy: 'acc-1', new: 'acc-2' }];
    expect(sides.found).toEqual([
      { kind: 'missing-in-new', number: 1, id: idOf(1) },
      { kind: 'missing-in-legacy', number: 2, id: idOf(2) },
      { kind: 'differs', number: 2_001, id: idOf(2_001), fields },
    ]);
  });

  it('says why an order that is missing has no exact translation, and parses a page once', async () => {
    const body = Array.from({ length: 1_000 }, (_, at) => legacyView(orderOf(at + 1), zone));
    const rows = legacyRows(JSON.stringify(body.with(6, { ...body[6], price: 0.1 + 0.2 })));
    const found = compareInterval({ from: 1, to: 1_000 }, rows, [], zone);
    expect(found).toHaveLength(1_000);
    expect(found.filter((each) => 'reason' in each)).toMatchObject([
      { number: 7, reason: { code: 'not-a-plain-decimal', field: 'price' } },
    ]);
    expect(rows.strict()).toBe(rows.strict());
  });

  it('ignores an order that appears on one side between the two reads', async () => {
    const sides = new BothSides();
    sides.rows.set(1, orderOf(1));
    sides.beforeRead = () => {
      if (sides.reads === 1) sides.put(1);
    };
    expect(resultOf(await sides.verify(10))).toBe('equal');
  });

  it('waits for a write that is on its way', async () => {
    const sides = new BothSides();
    sides.beginWrite(1);
    let asked = 0;
    sides.beforeOpen = () => {
      if ((asked += 1) === 3) sides.endWrite(1);
    };
    expect(resultOf(await sides.verify(10))).toBe('equal');
  });

  it('ends while clients write all the time, so that some write of the interval is always on its way', async () => {
    const sides = new BothSides();
    let newest = 1;
    sides.beginWrite(newest);
    sides.beforeOpen = () => {
      sides.endWrite(newest);
      sides.beginWrite((newest += 1));
    };
    expect(resultOf(await sides.verify(1_000))).toBe('equal');
  });

  it('is open if a write is on its way for 30 seconds', async () => {
    const sides = new BothSides();
    sides.beginWrite(1);
    const progress = await sides.verify(10);
    expect(resultOf(progress)).toBe('open');
    expect(progress.putOff).toEqual([1]);
  });

  it('has the same findings if it is interrupted after any interval and continued', async () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 6_000 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(numbers, numbers, numbers, fc.integer({ min: 0, max: 5 }), async (both, legacy, created, at) => {
        const sides = new BothSides();
        for (const number of legacy) sides.rows.set(number, orderOf(number));
        for (const number of created) sides.orders.set(number, orderOf(number));
        for (const number of both) sides.put(number);
        const last = await sides.verify(6_000);
        const whole = sides.found.splice(0);
        const part = await sides.verify(at * 1_000);
        expect(await sides.verify({ ...part, upTo: 6_000 })).toEqual(last);
        expect(sides.found).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the rows of an answer of the legacy system', () => {
  it('are the same whether the quick or the strict parser reads them', () => {
    const text = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.constantFrom('12.50', '1e308', '9007199254740993', '-0', '0.30000000000000004', '1E2', '10.0', 'null', '{}'),
      fc.string().map((each) => JSON.stringify(each)),
    );
    const row = fc.dictionary(fc.string(), text).map((fields) => {
      const members = Object.entries(fields).map(([name, each]) => `${JSON.stringify(name)}:${each}`);
      return `{${members.join(',')}}`;
    });
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const body = `[${rows.join(',\n')}]`;
        const strict = (parseStrictJson(body) as { value: unknown[] }).value;
        expect(legacyRows(body).comparable).toEqual(strict.map(comparable));
        expect(legacyRows(body).strict()).toEqual(strict);
      }),
    );
  });

  it.each(['<html>', '[{"id": 1', '{"items": []}', 'null', '[{"a":1,"a":1}]'])('are rejected: %s', (body) => {
    expect(() => legacyRows(body)).toThrow(expect.objectContaining({ code: 'unreadable-page' }));
  });
});
