import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import type { Order } from '#orders/order/order.js';
import { compareInterval } from './compare-interval.js';
import type { Difference } from './difference.js';
import type { IntervalFinding } from './interval-check.js';
import { legacyRows } from './legacy-rows.js';
import { runVerification } from './run-verification.js';
import { newProgress, resultOf, type VerificationProgress } from './verification-progress.js';
import type { VerifiedSides } from './verified-sides.js';

const zone = new LegacyTimeZone('UTC');
const NEVER = new AbortController().signal;

function orderOf(number: number, accountId = 'acc-1'): Order {
  return {
    id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    number: number + 7,
    accountId,
    side: 'buy',
    symbol: 'ACME',
    quantity: 3,
    price: 1_873_500n,
    amount: 5_620_500n,
    currency: 'EUR',
    createdAt: new Date(Date.UTC(2026, 0, 1) + number),
    legacy: { number, filled: [] },
  };
}

/** Both sides in memory. */
class BothSides implements VerifiedSides {
  readonly rows = new Map<number, Order>();
  readonly orders = new Map<number, Order>();
  readonly open = new Set<number>();
  /** Called before each read of the legacy system. */
  beforeRead: () => void = () => undefined;
  /** Called before the open writes are read. */
  beforeOpen: () => void = () => undefined;
  reads = 0;

  async legacy({ from, to }: { from: number; to: number }) {
    this.beforeRead();
    this.reads += 1;
    const rows = [...this.rows].filter(([number]) => number >= from && number <= to);
    return legacyRows(JSON.stringify(rows.map(([, order]) => legacyView(order, zone))));
  }

  async created({ from, to }: { from: number; to: number }) {
    return [...this.orders].filter(([number]) => number >= from && number <= to).map(([, order]) => order);
  }

  async isEmpty({ from, to }: { from: number; to: number }) {
    return ![...this.rows.keys(), ...this.orders.keys()].some((number) => number >= from && number <= to);
  }

  async openNumbers({ from, to }: { from: number; to: number }) {
    this.beforeOpen();
    return new Set([...this.open].filter((number) => number >= from && number <= to));
  }

  put(number: number): void {
    this.rows.set(number, orderOf(number));
    this.orders.set(number, orderOf(number));
  }
}

/** Runs a verification, and collects what it records. */
async function verify(sides: BothSides, start: VerificationProgress, clock = new ManualClock(), hasClients = false) {
  const found: Difference[] = [];
  const record = async (finding: IntervalFinding): Promise<void> => void found.push(...finding.differences);
  const run = runVerification(start, { sides, zone, clock, hasClients: () => hasClients, record }, NEVER);
  return { run, found, clock };
}

describe('a verification', () => {
  it.each([
    ['four intervals at a time', false, 4],
    ['one interval at a time while clients are being answered', true, 1],
  ])('reads %s', async (_name, hasClients, expected) => {
    const sides = new BothSides();
    for (let number = 1; number <= 9_000; number += 500) sides.put(number);
    let running = 0;
    let most = 0;
    const read = sides.legacy.bind(sides);
    sides.legacy = async (interval) => {
      running += 1;
      most = Math.max(most, running);
      await setImmediate();
      running -= 1;
      return read(interval);
    };
    const { run } = await verify(sides, newProgress(9_000), new ManualClock(), hasClients);
    expect(resultOf(await run)).toBe('equal');
    expect(most).toBe(expected);
  });

  it('finds two equal sides equal, holes included', async () => {
    const sides = new BothSides();
    for (const number of [1, 2, 999, 1_000, 1_001, 4_500]) sides.put(number);
    const { run, found } = await verify(sides, newProgress(5_000));
    expect(resultOf(await run)).toBe('equal');
    expect(await run).toMatchObject({ next: 5_001, orders: { legacy: 6, new: 6 } });
    expect(found).toEqual([]);
  });

  it('does not read the pages before a number that a client has chosen far above all others', async () => {
    const sides = new BothSides();
    for (const number of [1, 1_500, 900_000_000]) sides.put(number);
    sides.orders.delete(900_000_000);
    sides.put(950_000_000);
    sides.rows.delete(950_000_000);
    const { run, found } = await verify(sides, newProgress(1_000_000_000));
    expect(await run).toMatchObject({ next: 1_000_000_001, orders: { legacy: 3, new: 3 } });
    expect(found.map(({ kind, number }) => [kind, number])).toEqual([
      ['missing-in-new', 900_000_000],
      ['missing-in-legacy', 950_000_000],
    ]);
    expect(sides.reads).toBeLessThan(50);
  });

  it('names what is missing on either side, and the fields that differ', async () => {
    const sides = new BothSides();
    for (const number of [1, 2, 3, 2_001]) sides.put(number);
    sides.orders.delete(1);
    sides.rows.delete(2);
    sides.orders.set(2_001, orderOf(2_001, 'acc-2'));
    const { run, found } = await verify(sides, newProgress(2_001));
    expect(resultOf(await run)).toBe('different');
    expect(found).toEqual([
      { kind: 'missing-in-new', number: 1, id: orderOf(1).id },
      { kind: 'missing-in-legacy', number: 2, id: orderOf(2).id },
      {
        kind: 'differs',
        number: 2_001,
        id: orderOf(2_001).id,
        fields: [{ path: 'accountId', legacy: 'acc-1', new: 'acc-2' }],
      },
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
    const { run } = await verify(sides, newProgress(10));
    expect(resultOf(await run)).toBe('equal');
  });

  it('waits for a write that is on its way', async () => {
    const sides = new BothSides();
    sides.rows.set(1, orderOf(1));
    sides.open.add(1);
    let asked = 0;
    sides.beforeOpen = () => {
      asked += 1;
      if (asked < 3) return;
      sides.put(1);
      sides.open.delete(1);
    };
    const clock = new ManualClock();
    const { run } = await verify(sides, newProgress(10), clock);
    await clock.advance(31_000);
    expect(resultOf(await run)).toBe('equal');
  });

  it('ends while clients write all the time, so that some write of the interval is always on its way', async () => {
    const sides = new BothSides();
    let newest = 0;
    const beginWrite = (): void => {
      newest += 1;
      sides.open.add(newest);
      sides.rows.set(newest, orderOf(newest));
    };
    beginWrite();
    sides.beforeOpen = () => {
      sides.put(newest);
      sides.open.delete(newest);
      beginWrite();
    };
    const clock = new ManualClock();
    const { run } = await verify(sides, newProgress(1_000), clock);
    await clock.advance(31_000);
    expect(resultOf(await run)).toBe('equal');
  });

  it('is open if a write is on its way for 30 seconds', async () => {
    const sides = new BothSides();
    sides.rows.set(1, orderOf(1));
    sides.open.add(1);
    const clock = new ManualClock();
    const { run } = await verify(sides, newProgress(10), clock);
    await clock.advance(31_000);
    expect(resultOf(await run)).toBe('open');
    expect((await run).putOff).toEqual([1]);
  });

  it('has the same findings if it is interrupted after any interval and continued', async () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 6_000 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(numbers, numbers, numbers, fc.integer({ min: 0, max: 5 }), async (both, legacy, created, at) => {
        const sides = new BothSides();
        for (const number of legacy) sides.rows.set(number, orderOf(number));
        for (const number of created) sides.orders.set(number, orderOf(number));
        for (const number of both) sides.put(number);
        const whole = await verify(sides, newProgress(6_000));
        const last = await whole.run;
        const first = await verify(sides, newProgress(at * 1_000));
        const part = await first.run;
        const rest = await verify(sides, { ...part, upTo: 6_000 });
        expect(await rest.run).toEqual(last);
        expect([...first.found, ...rest.found]).toEqual(whole.found);
      }),
      { numRuns: 50 },
    );
  });
});
