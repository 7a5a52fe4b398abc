import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { RunningLegacy } from './support/started-app.js';

/** Half an hour off every other zone, so that a time in the machine's zone is noticed. */
const ZONE = new LegacyTimeZone('Asia/Kolkata');
const ORDER = { ...anIntakeOrder(), price: 187.35 };

describe('the legacy system', () => {
  let folder: string;
  let legacy: RunningLegacy;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-legacy-'));
    await start();
  });

  afterEach(async () => {
    await legacy.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    legacy = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE: ZONE.name });
  }

  it('answers like a system of its time: floats, local timestamps, plain arrays, and null', async () => {
    const { status, body: order } = await legacy.post<LegacyRecord>('/orders', ORDER);
    expect(status).toBe(201);
    expect(order).toMatchObject({ ...ORDER, number: 1, amount: 562.05 });
    // In another zone, it would be half an hour off at least.
    const sentAt = (await fetch(`${legacy.url}/orders/unknown`)).headers.get('date') ?? '';
    const offMs = Number(ZONE.toInstant(order.createdAt)) - Date.parse(sentAt);
    expect(Math.abs(offMs)).toBeLessThan(15 * 60_000);
    expect((await legacy.get('/orders/page/1')).body).toEqual([order]);
    expect((await legacy.get(`/orders/${order.id}`)).body).toEqual(order);
    expect(await legacy.get('/orders/unknown')).toMatchObject({ status: 200, text: 'null' });
  });

  it('has the populated orders in files of 1,000, which are its pages', async () => {
    expect((await legacy.post('/populate?count=2500')).status).toBe(201);
    const names = ['0.json', '1.json', '2.json'];
    expect((await readdir(folder)).toSorted()).toEqual(names);
    const files = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const pages = await Promise.all([1, 2, 3].map(async (page) => (await legacy.get(`/orders/page/${page}`)).text));
    expect(pages).toEqual(files);
  });

  it('answers what it has begun before it ends, and has it after a restart', async () => {
    const writes = Array.from({ length: 50 }, async (_, at) =>
      legacy.post<LegacyRecord>('/orders', { ...ORDER, id: `drained-${at}` }),
    );
    await Promise.race(writes);
    expect(await legacy.end()).toBe(0);
    const answered = (await Promise.allSettled(writes)).flatMap((write) =>
      write.status === 'fulfilled' ? [write.value.body] : [],
    );
    expect(answered.length).toBeGreaterThan(0);
    await start();
    for (const order of answered) expect((await legacy.get(`/orders/${order.id}`)).body).toEqual(order);
  });

  it('does not start with a time zone that does not exist', async () => {
    await expect(RunningLegacy.start(folder, { LEGACY_TIME_ZONE: 'Europe/Atlantis' })).rejects.toThrow(
      'LEGACY_TIME_ZONE must be an IANA time zone such as Europe/Berlin, got "Europe/Atlantis"',
    );
  });
});
