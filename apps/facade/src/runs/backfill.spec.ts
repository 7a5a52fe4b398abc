import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { legacyOrder } from '#legacy/row/legacy-order.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { aLegacyRecord } from '#orders/testing/an-order.js';
import { SideUnavailableError, INTERVAL_NUMBERS, type NumberInterval } from '../sides/side.js';
import { MemoryNumberStore } from '../testing/memory-stores.js';
import type { ImportFile } from '../sides/target-side.js';
import { HighestNumber } from './runs-controller.js';
import { skipEmpty, legacyRows } from './side-readers.js';
import { newBackfill, runBackfill, type BackfillContext, type UntranslatedOrder } from './backfill.js';

describe('HighestNumber', () => {
  it('is that of the legacy system, or a higher one that the facade has assigned', async () => {
    const numbers = new MemoryNumberStore();
    await numbers.raiseAbove(7);
    const highest = new HighestNumber({ highestNumber: async () => Promise.resolve(9) }, numbers);
    expect(await highest.read()).toBe(9);
    await numbers.take(20);
    expect(await highest.read()).toBe(27);
  });

  it('is a 503 while the legacy system is unavailable, so that the request is repeated', async () => {
    const unavailable = new SideUnavailableError('legacy', 'no-connection', 'ECONNRESET at 10.0.0.7');
    const highest = new HighestNumber(
      { highestNumber: async () => Promise.reject(unavailable) },
      new MemoryNumberStore(),
    );
    await expect(highest.read()).rejects.toMatchObject({
      status: 503,
      code: 'legacy-away',
      detail: 'the legacy system gave no answer (no-connection). Retry in a second.',
    });
  });
});

/** Skips numbers without an order. @returns where orders go on, and the intervals that were asked for */
async function skip(orders: readonly number[], from: number, upTo: number) {
  const asked: NumberInterval[] = [];
  const next = await skipEmpty(from, upTo, async (interval) => {
    asked.push(interval);
    return !orders.some((number) => number >= interval.from && number <= interval.to);
  });
  return { next, asked };
}

async function isEmptyUpTo100000({ to }: NumberInterval): Promise<boolean> {
  if (to > 100_000) throw new Error('a file is damaged');
  return true;
}

describe('the skip of numbers without an order', () => {
  it('asks for a billion numbers in about a thousand requests, and never for more than about a million at once', async () => {
    const { next, asked } = await skip([999_999_999], 5_001, 1_000_000_000);
    expect(next).toBe(999_999_001);
    expect(asked.length).toBeLessThan(1_100);
    expect(Math.max(...asked.map(({ from, to }) => to - from))).toBeLessThan(1_100_000);
  });

  it('asks once where orders go on at once, and returns a number above the last one where none do', async () => {
    expect(await skip([5_500], 5_001, 10_000)).toEqual({ next: 5_001, asked: [{ from: 5_001, to: 6_000 }] });
    expect((await skip([], 5_001, 2_000_500)).next).toBe(2_000_501);
  });

  it('ends without a failure where an answer fails: the interval itself is read next', async () => {
    expect(await skipEmpty(1, 1_000_000, isEmptyUpTo100000)).toBe(63_001);
  });

  it('never skips an order, and stops at the first interval that has one', async () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 5_000_000 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(numbers, fc.integer({ min: 0, max: 4_999 }), async (orders, interval) => {
        const from = interval * INTERVAL_NUMBERS + 1;
        const first = Math.min(...orders.filter((number) => number >= from));
        const expected = Number.isFinite(first)
          ? Math.floor((first - 1) / INTERVAL_NUMBERS) * INTERVAL_NUMBERS + 1
          : 5_000_001;
        expect((await skip(orders, from, 5_000_000)).next).toBe(expected);
      }),
    );
  });
});

const NEVER = new AbortController().signal;
const row = (number: number, change: object = {}) => ({ ...aLegacyRecord({ number }), ...change });

/** A legacy system and the imports that a backfill starts, in memory. */
function imitate(rows: readonly { readonly number: number }[]) {
  const imports = new Map<string, readonly ImportFile[]>();
  const untranslated: UntranslatedOrder[] = [];
  const reads: number[] = [];
  const rowsOf = ({ from, to }: { readonly from: number; readonly to: number }) =>
    rows.filter(({ number }) => number >= from && number <= to);
  const context: BackfillContext = {
    zone: new LegacyTimeZone('Europe/Paris'),
    isEmpty: async (interval) => rowsOf(interval).length === 0,
    legacy: async (interval) => {
      reads.push(interval.from);
      return legacyRows(JSON.stringify(rowsOf(interval)));
    },
    startImport: async (files, key) => {
      imports.set(key, files);
      return key;
    },
    record: async (found) => void untranslated.push(...found),
  };
  const files = () => [...imports.values()].map((each) => each.map(({ name }) => name));
  return { context, imports, files, untranslated, reads };
}

describe('a backfill', () => {
  it('starts one import for 100,000 numbers, with a file for each page that has orders', async () => {
    const { context, imports, files } = imitate([row(1), row(1_000), row(5_001), row(100_001)]);
    const progress = await runBackfill(newBackfill(100_001), context, NEVER);
    expect(progress).toMatchObject({ next: 100_002, translated: 4, untranslated: 0 });
    expect(files()).toEqual([['legacy-1-1000.json', 'legacy-5001-6000.json'], ['legacy-100001-100001.json']]);
    expect(progress.operationIds).toEqual([...imports.keys()]);
  });

  it('does not read the pages before a number that a client has chosen far above all others', async () => {
    const { context, files, reads } = imitate([row(1), row(900_000_000)]);
    const progress = await runBackfill(newBackfill(1_000_000_000), context, NEVER);
    expect(progress).toMatchObject({ next: 1_000_000_001, translated: 2, untranslated: 0 });
    expect(files().flat()).toEqual(['legacy-1-1000.json', 'legacy-899999001-900000000.json']);
    expect(reads.length).toBeLessThan(10);
  });

  it('writes rows that the import reads as exactly the translated order', async () => {
    const rows = [row(7, { price: 0.0001, quantity: 10_000, amount: 1 })];
    const { context, imports } = imitate(rows);
    await runBackfill(newBackfill(7), context, NEVER);
    const [[file]] = [...imports.values()] as [[ImportFile]];
    const [written] = (parseStrictJson(file.content) as { value: unknown[] }).value;
    const [original] = legacyRows(JSON.stringify(rows)).strict();
    expect(legacyOrder(written)).toEqual(fromLegacy(original, context.zone));
  });

  it('reports an order that has no exact translation with the reason, and copies the others', async () => {
    const { context, untranslated } = imitate([row(1), row(2, { createdAt: '2026-10-25T02:30:00.000' }), row(3)]);
    const progress = await runBackfill(newBackfill(3), context, NEVER);
    expect(progress).toMatchObject({ translated: 2, untranslated: 1 });
    expect(untranslated).toMatchObject([{ number: 2, reason: { code: 'ambiguous-time', field: 'createdAt' } }]);
  });

  it('continues after the last import that was recorded, and finds an unrecorded one again by its key', async () => {
    const { context, imports, reads } = imitate([row(1), row(100_001), row(200_001)]);
    let records = 0;
    const record = async () => {
      if ((records += 1) === 2) throw new Error('crashed');
    };
    await expect(runBackfill(newBackfill(200_001), { ...context, record }, NEVER)).rejects.toThrow('crashed');
    expect(imports.size).toBe(2);
    reads.length = 0;
    const progress = await runBackfill({ ...newBackfill(200_001), next: 100_001 }, context, NEVER);
    expect(reads[0]).toBe(100_001);
    expect([imports.size, progress.operationIds.length]).toEqual([3, 2]);
  });
});
