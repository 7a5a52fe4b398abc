import { describe, expect, it } from '@jest/globals';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { legacyOrder } from '#legacy/row/legacy-order.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import { legacyRows } from '../verify/legacy-rows.js';
import type { ImportFile } from '../sides/new-imports.js';
import { newBackfill, runBackfill, type BackfillContext } from './run-backfill.js';
import type { UntranslatedOrder } from './translated-rows.js';

const NEVER = new AbortController().signal;

function row(number: number, change: object = {}): object {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const content = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: 187.35, amount: 562.05 };
  return { id, number, ...content, currency: 'EUR', createdAt: '2026-01-31T12:00:00.000', ...change };
}

/** A legacy system and the imports that a backfill starts, in memory. */
function imitate(rows: readonly object[], zone = new LegacyTimeZone('UTC')) {
  const imports = new Map<string, readonly ImportFile[]>();
  const untranslated: UntranslatedOrder[] = [];
  const reads: number[] = [];
  const numbers = rows.map((each) => (each as { number: number }).number);
  const context: BackfillContext = {
    zone,
    isEmpty: async ({ from, to }) => !numbers.some((number) => number >= from && number <= to),
    legacy: async ({ from, to }) => {
      reads.push(from);
      const found = rows.filter((each) => (each as { number: number }).number >= from);
      return legacyRows(JSON.stringify(found.filter((each) => (each as { number: number }).number <= to)));
    },
    startImport: async (files, key) => {
      imports.set(key, files);
      return key;
    },
    record: async (found) => void untranslated.push(...found),
  };
  return { context, imports, untranslated, reads };
}

describe('a backfill', () => {
  it('starts one import for 100,000 numbers, with a file for each page that has orders', async () => {
    const { context, imports } = imitate([row(1), row(1_000), row(5_001), row(100_001)]);
    const progress = await runBackfill(newBackfill(100_001), context, NEVER);
    expect(progress).toMatchObject({ next: 100_002, translated: 4, untranslated: 0 });
    expect([...imports.values()].map((files) => files.map(({ name }) => name))).toEqual([
      ['legacy-1-1000.json', 'legacy-5001-6000.json'],
      ['legacy-100001-100001.json'],
    ]);
    expect(progress.operationIds).toEqual([...imports.keys()]);
  });

  it('does not read the pages before a number that a client has chosen far above all others', async () => {
    const { context, imports, reads } = imitate([row(1), row(900_000_000)]);
    const progress = await runBackfill(newBackfill(1_000_000_000), context, NEVER);
    expect(progress).toMatchObject({ next: 1_000_000_001, translated: 2, untranslated: 0 });
    expect([...imports.values()].flatMap((files) => files.map(({ name }) => name))).toEqual([
      'legacy-1-1000.json',
      'legacy-899999001-900000000.json',
    ]);
    expect(reads.length).toBeLessThan(10);
  });

  it('writes rows that the import reads as exactly the translated order', async () => {
    const { context, imports } = imitate([row(7, { price: 0.0001, quantity: 10_000, amount: 1 })]);
    await runBackfill(newBackfill(7), context, NEVER);
    const [[file]] = [...imports.values()] as [[ImportFile]];
    const [written] = (parseStrictJson(file.content) as { value: unknown[] }).value;
    const body = JSON.stringify([row(7, { price: 0.0001, quantity: 10_000, amount: 1 })]);
    const [original] = legacyRows(body).strict();
    expect(legacyOrder(written)).toEqual(fromLegacy(original, context.zone));
  });

  it.each([
    ['a float that is no exact amount', { price: 0.1 + 0.2 }, 'not-a-plain-decimal', 'price'],
    ['an id that is no UUID', { id: 'order-3' }, 'not-a-uuid', 'id'],
    ['a local time that is two instants', { createdAt: '2026-10-25T02:30:00.000' }, 'ambiguous-time', 'createdAt'],
    ['an amount that is not quantity x price', { amount: 562.06 }, 'amount-mismatch', 'amount'],
    ['an unknown field', { note: 'late' }, 'unknown-field', 'note'],
  ])('reports %s, and copies the others', async (_, change, code, field) => {
    const { context, untranslated } = imitate([row(1), row(2, change), row(3)], new LegacyTimeZone('Europe/Paris'));
    const progress = await runBackfill(newBackfill(3), context, NEVER);
    expect(progress).toMatchObject({ translated: 2, untranslated: 1 });
    expect(untranslated).toMatchObject([{ number: 2, reason: { code, field } }]);
  });

  it('continues after the last import that was recorded, and finds an unrecorded one again by its key', async () => {
    const rows = [row(1), row(100_001), row(200_001)];
    const { context, imports, reads } = imitate(rows);
    let records = 0;
    const crashing: BackfillContext = {
      ...context,
      record: async () => {
        records += 1;
        if (records === 2) throw new Error('crashed');
      },
    };
    await expect(runBackfill(newBackfill(200_001), crashing, NEVER)).rejects.toThrow('crashed');
    expect(imports.size).toBe(2);
    reads.length = 0;
    const progress = await runBackfill({ ...newBackfill(200_001), next: 100_001 }, context, NEVER);
    expect(reads[0]).toBe(100_001);
    expect([imports.size, progress.operationIds.length]).toEqual([3, 2]);
  });
});
