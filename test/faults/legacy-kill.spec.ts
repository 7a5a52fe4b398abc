import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import { RunningLegacy } from '../support/started-app.js';

const CLIENTS = 32;
const KILLS = 8;
const ORDER = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: 187.35, currency: 'EUR' };

/** Posts orders one after another until the legacy system is gone. */
async function post(
  legacy: RunningLegacy,
  name: string,
  acknowledge: (id: string, text: string) => void,
): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const id = `${name}-${turn}`;
    const order = { ...ORDER, id, quantity: 1 + (turn % 100) };
    // A request without an answer has an unknown outcome.
    const answer = await legacy.post('/orders', order).catch(() => undefined);
    if (answer === undefined) return;
    if (answer.status !== 201) throw new Error(`unexpected answer ${answer.status}: ${answer.text}`);
    acknowledge(id, answer.text);
  }
}

describe('the legacy system under kill -9', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-legacy-kill-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function storedOrders(): Promise<LegacyRecord[]> {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    const files = await Promise.all(names.map(async (name) => readFile(join(folder, name), 'utf8')));
    return files.flatMap((text) => JSON.parse(text) as LegacyRecord[]).toSorted((a, b) => a.number - b.number);
  }

  it('has each acknowledged order exactly once, in whole files, at any moment of the kill', async () => {
    const acknowledged = new Map<string, string>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const legacy = await RunningLegacy.start(folder);
      // Each kill comes after another number of answers, and so in another step of a write.
      const enough = acknowledged.size + 100 + kill * 37;
      const reached = Promise.withResolvers<void>();
      const acknowledge = (id: string, text: string): void => {
        if (acknowledged.set(id, text).size >= enough) reached.resolve();
      };
      const clients = Array.from({ length: CLIENTS }, async (_, at) => post(legacy, `${kill}-${at}`, acknowledge));
      await Promise.race([reached.promise, Promise.all(clients)]);
      await legacy.end('SIGKILL');
      await Promise.all(clients);
      // Every file parses at once, before a restart could repair it.
      const orders = await storedOrders();
      expect(new Set(orders.map(({ id }) => id)).size).toBe(orders.length);
      expect(new Set(orders.map(({ number }) => number)).size).toBe(orders.length);
      const stored = new Map(orders.map((order) => [order.id, JSON.stringify(order)]));
      expect([...acknowledged].filter(([id, text]) => stored.get(id) !== text)).toEqual([]);
    }
    const legacy = await RunningLegacy.start(folder);
    expect((await readdir(folder)).filter((name) => !/^\d+\.json$/.test(name))).toEqual([]);
    for (const [id, text] of [...acknowledged].slice(-50)) {
      expect((await legacy.get(`/orders/${id}`)).text).toBe(text);
      const repeated = await legacy.post('/orders', JSON.parse(text) as object);
      expect(repeated).toMatchObject({ status: 200, text });
    }
    expect(await legacy.end()).toBe(0);
  });
});
