import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { comparable } from '#legacy/translation/comparable.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { RunningLegacy } from './support/running-legacy.js';

/** Half an hour off every other zone, so that a time in the machine's zone is noticed. */
const ZONE = new LegacyTimeZone('Asia/Kolkata');
const ORDER = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: 187.35, currency: 'EUR' };

describe('the legacy system', () => {
  let folder: string;
  let legacy: RunningLegacy;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-legacy-'));
    await start();
  });

  afterAll(async () => {
    await legacy.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    legacy = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE: ZONE.name });
  }

  it('answers like a system of its time: floats, local timestamps, plain arrays, and null', async () => {
    const before = Date.now();
    const { status, text } = await legacy.post('/orders', ORDER);
    expect(status).toBe(201);
    const order = JSON.parse(text) as LegacyRecord;
    expect(order).toMatchObject({ ...ORDER, number: 1, amount: 562.05 });
    const createdAt = ZONE.toInstant(order.createdAt);
    expect(Number(createdAt)).toBeGreaterThanOrEqual(before - 1_000);
    expect(Number(createdAt)).toBeLessThanOrEqual(Date.now() + 1_000);
    expect(JSON.parse((await legacy.get('/orders/page/1')).text)).toEqual([order]);
    expect(JSON.parse((await legacy.get(`/orders/${order.id}`)).text)).toEqual(order);
    expect(await legacy.get('/orders/unknown')).toEqual({ status: 200, text: 'null' });
  });

  it('has the populated orders in files of 1,000, and each is the same after a translation and back', async () => {
    const { status } = await legacy.post('/populate?count=2500');
    expect(status).toBe(201);
    expect((await readdir(folder)).toSorted()).toEqual(['0.json', '1.json', '2.json']);
    const { text } = await legacy.get('/orders/range?start=1&end=1000000');
    const parsed = parseStrictJson(text);
    const orders = ('value' in parsed ? parsed.value : []) as unknown[];
    expect(orders).toHaveLength(2_501);
    const translated = orders.map((order) => {
      const read = fromLegacy(order, ZONE);
      return 'order' in read ? legacyView(read.order, ZONE) : read.reason;
    });
    expect(translated).toEqual(comparable(orders));
    const files = await Promise.all(['0', '1', '2'].map((name) => readFile(join(folder, `${name}.json`), 'utf8')));
    const pages = await Promise.all([1, 2, 3].map(async (page) => (await legacy.get(`/orders/page/${page}`)).text));
    expect(pages).toEqual(files);
  });

  it('answers what it has begun before it ends, and has it after a restart', async () => {
    const writes = Array.from({ length: 50 }, async (_, at) =>
      legacy.post('/orders', { ...ORDER, id: `drained-${at}` }),
    );
    await Promise.race(writes);
    expect(await legacy.end()).toBe(0);
    const answered = (await Promise.allSettled(writes)).flatMap((write) =>
      write.status === 'fulfilled' ? [write.value.text] : [],
    );
    expect(answered.length).toBeGreaterThan(0);
    await start();
    const found = await Promise.all(
      answered.map(async (text) => (await legacy.get(`/orders/${(JSON.parse(text) as LegacyRecord).id}`)).text),
    );
    expect(found).toEqual(answered);
  });

  it('does not start with a time zone that does not exist', async () => {
    await expect(RunningLegacy.start(folder, { LEGACY_TIME_ZONE: 'Europe/Atlantis' })).rejects.toThrow(
      'LEGACY_TIME_ZONE must be an IANA time zone such as Europe/Berlin, got "Europe/Atlantis"',
    );
  });
});
