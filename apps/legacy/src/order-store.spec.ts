import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import { useOrderStore } from './testing/use-order-store.js';
import { localTime, MAX_NUMBER, type LegacyOrder, type OrderRequest } from './order-request.js';

const tested = useOrderStore();
const ORDER: OrderRequest = { ...anIntakeOrder(), price: 0.1 };

async function add(change: Partial<OrderRequest> = {}): Promise<LegacyOrder & { readonly isNew: boolean }> {
  const { text, isNew } = await tested.store.add({ ...ORDER, ...change });
  return { ...(JSON.parse(text) as LegacyOrder), isNew };
}

async function range(start: number, end: number): Promise<number[]> {
  let text = '';
  for await (const piece of tested.store.range(start, end)) text += piece;
  return (JSON.parse(text) as LegacyOrder[]).map(({ number }) => number);
}

describe('the order store', () => {
  it('assigns the id, the next number, the amount and the local time', async () => {
    await tested.clock.advance(1_769_860_800_250);
    expect(await add({ number: 41 })).toMatchObject({ number: 41, amount: 0.3 });
    expect(await add()).toEqual({
      ...ORDER,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      number: 42,
      amount: 0.3,
      createdAt: localTime(1_769_860_800_250),
      isNew: true,
    });
  });

  it('finds orders by id, also after a restart, and null for an unknown id', async () => {
    const { isNew: _, ...order } = await add({ id: 'a', number: 5_000 });
    await tested.files.close();
    await tested.open();
    expect(JSON.parse(await tested.store.find('a'))).toEqual(order);
    expect(await tested.store.find('b')).toBe('null');
    expect(await add()).toMatchObject({ number: 5_001 });
  });

  it('does not open a folder with a file that is no array of orders', async () => {
    await tested.files.close();
    await writeFile(join(tested.folder, '500000.json'), '<html>');
    await expect(tested.open()).rejects.toMatchObject({ code: 'bad-file' });
  });

  it('accepts the same content again, whatever the repetition leaves out', async () => {
    const first = await add({ id: 'a', createdAt: '2026-01-31T12:00:00.000' });
    expect(await add({ id: 'a' })).toEqual({ ...first, isNew: false });
    expect(await add({ id: 'a', number: first.number })).toEqual({ ...first, isNew: false });
  });

  it.each<[string, Partial<OrderRequest>]>([
    ['quantity', { quantity: 4 }],
    ['amount', { amount: 0.30000000000000004 }],
    ['number', { number: 77 }],
  ])('rejects another %s under the same id', async (field, change) => {
    await add({ id: 'a' });
    await expect(add({ id: 'a', ...change })).rejects.toMatchObject({
      statusCode: 409,
      message: `order a exists under number 1 with another ${field}`,
    });
  });

  it('stores one of two orders that arrive at once under the same id', async () => {
    const results = await Promise.allSettled([add({ id: 'a' }), add({ id: 'a' }), add({ id: 'a', quantity: 9 })]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(tested.store.count).toBe(1);
    expect(await range(1, 10)).toEqual([1]);
  });

  it('tries an id again after the first attempt under it was rejected', async () => {
    await add({ number: 1 });
    const results = await Promise.allSettled([add({ id: 'a', number: 1 }), add({ id: 'a', number: 2 })]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('has no number above the largest', async () => {
    await add({ number: MAX_NUMBER });
    await expect(add()).rejects.toMatchObject({ statusCode: 409 });
  });

  it('returns ranges over several files, with their holes', async () => {
    for (const number of [1, 999, 1_000, 1_001, 2_500, 9_001]) await add({ number });
    expect(await range(1, MAX_NUMBER)).toEqual([1, 999, 1_000, 1_001, 2_500, 9_001]);
    expect(await range(1_000, 2_499)).toEqual([1_000, 1_001]);
    expect(await range(3_000, 8_000)).toEqual([]);
  });

  it('returns a range of a billion numbers without looking for a million files', async () => {
    for (const number of [7, 250_000, MAX_NUMBER]) await add({ number });
    expect(await range(1, MAX_NUMBER)).toEqual([7, 250_000, MAX_NUMBER]);
    expect(await range(250_001, MAX_NUMBER - 1)).toEqual([]);
    await writeFile(
      join(tested.folder, '500000.json'),
      JSON.stringify([{ ...ORDER, id: 'other', number: 500_000_001 }]),
    );
    expect(await range(250_001, MAX_NUMBER)).toEqual([500_000_001, MAX_NUMBER]);
  });

  it('invents orders behind the highest number, which can all be translated', async () => {
    await add({ number: 1_499 });
    await tested.clock.advance(1_769_860_800_000);
    expect(await tested.store.populate(2_000, Math.random)).toEqual({ first: 1_500, last: 3_499 });
    const pages = await Promise.all([2, 3, 4].map(async (page) => String(await tested.store.page(page))));
    const orders = pages.flatMap((page) => {
      const parsed = parseStrictJson(page);
      return 'value' in parsed ? parsed.value : [];
    });
    expect(orders).toHaveLength(2_001);
    const zone = new LegacyTimeZone(Intl.DateTimeFormat().resolvedOptions().timeZone);
    const rejected = orders.flatMap((order) => {
      const read = fromLegacy(order, zone);
      return 'reason' in read ? [read.reason] : [];
    });
    expect(rejected).toEqual([]);
  });
});
