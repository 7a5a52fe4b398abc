import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { aLegacyOrder } from '#orders/testing/an-order.js';
import { Sides, type SideSettings } from '../sides/sides.js';
import type { WriteOutcome, WrittenSide } from '../sides/side.js';

interface Connected extends Partial<SideSettings> {
  readonly LEGACY_URL: string;
  /** Of the producer and the query API. */
  readonly targetUrl: string;
  readonly zone?: LegacyTimeZone;
  readonly clock?: Clock;
}

/** Returns connections to both sides, without tokens. */
export function sidesBetween({
  targetUrl,
  zone = new LegacyTimeZone('UTC'),
  clock = systemClock,
  ...change
}: Connected): Sides {
  const settings = {
    PRODUCER_URL: targetUrl,
    QUERY_API_URL: targetUrl,
    LEGACY_CONNECTIONS: 32,
    LEGACY_TIMEOUT_MS: 60_000,
    NEW_SIDE_CONNECTIONS: 32,
    NEW_SIDE_TIMEOUT_MS: 60_000,
    ...change,
  };
  return new Sides(settings, zone, clock);
}

interface TestedSide {
  readonly side: WrittenSide;
  /** The same kind of side, at an address where nothing listens. */
  readonly unavailable: WrittenSide;
  /** Resolves when reads return everything that was acknowledged. Default: they do at once. */
  readonly untilReadable?: (ids: readonly string[]) => Promise<void>;
}

/** Above the orders that a side may have before. */
let number = 1_000_000;

/** Returns an order with an id, a number and a time of its own. */
export function someOrder(change: Partial<LegacyOrder> = {}): LegacyOrder {
  number += 1;
  const createdAt = new Date(1_769_860_800_000 + number);
  return aLegacyOrder({ id: randomUUID(), number, accountId: `acc-${number % 211}`, createdAt, ...change });
}

function resultsOf(outcomes: readonly WriteOutcome[]): string[] {
  return outcomes.map(({ result }) => result);
}

/** What each side must do, whichever it is: a test of all implementations. */
export function describeWrittenSide(name: string, tested: () => TestedSide): void {
  const { signal } = new AbortController();
  const write = async (orders: readonly LegacyOrder[]): Promise<readonly WriteOutcome[]> =>
    tested().side.write(orders, signal);
  const readable = async (orders: readonly LegacyOrder[]) => {
    const ids = orders.map(({ id }) => id);
    await tested().untilReadable?.(ids);
    return tested().side.areReadable(ids, signal);
  };

  describe(`${name} as a written side`, () => {
    it('stores orders, and then reads return them', async () => {
      const orders = [someOrder(), someOrder(), someOrder({ accountId: 'acc-1' })];
      expect(resultsOf(await write(orders))).toEqual(['stored', 'stored', 'stored']);
      expect(await readable(orders)).toEqual(['readable', 'readable', 'readable']);
    });

    it('stores the same order again as often as it is sent: a repeat finds out what became of it', async () => {
      const order = someOrder();
      expect(resultsOf(await write([order]))).toEqual(['stored']);
      expect(resultsOf(await write([order]))).toEqual(['stored']);
      expect(resultsOf(await write([someOrder(), order]))).toEqual(['stored', 'stored']);
      expect(await readable([order])).toEqual(['readable']);
    });

    it('refuses an order with a status, a code and a reason, and stores the others', async () => {
      const orders = [someOrder(), someOrder({ quantity: 10_001 }), someOrder()];
      const outcomes = await write(orders);
      expect(resultsOf(outcomes)).toEqual(['stored', 'refused', 'stored']);
      expect(outcomes[1]).toMatchObject({
        status: 400,
        code: expect.any(String),
        message: expect.stringMatching(/quantity/),
      });
      const [first, refused, last] = orders as [LegacyOrder, LegacyOrder, LegacyOrder];
      expect(await readable([first, last])).toEqual(['readable', 'readable']);
      expect(await tested().side.areReadable([refused.id], signal)).toEqual(['not-yet']);
    });

    it('takes thousands of orders at once', async () => {
      const orders = Array.from({ length: 2_500 }, () => someOrder());
      expect(new Set(resultsOf(await write(orders)))).toEqual(new Set(['stored']));
      expect(new Set(await readable(orders))).toEqual(new Set(['readable']));
    });

    it('does not know an order that was never written', async () => {
      expect(await tested().side.areReadable([randomUUID()], signal)).toEqual(['not-yet']);
      expect(await tested().side.areReadable([], signal)).toEqual([]);
      expect(await write([])).toEqual([]);
    });

    it('is unknown while it is unavailable: nothing says that it refuses, or that it does not have the order', async () => {
      const { unavailable } = tested();
      const outcomes = await unavailable.write([someOrder(), someOrder({ accountId: 'acc-1' })], signal);
      expect(resultsOf(outcomes)).toEqual(['unknown', 'unknown']);
      await expect(unavailable.areReadable([randomUUID()], signal)).rejects.toThrow(`gave no answer`);
    });
  });
}
