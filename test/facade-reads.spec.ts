import { hash } from 'node:crypto';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { ClientKeys } from '../apps/facade/src/clients/client-keys.js';
import { emptyServers } from './support/empty-servers.js';
import { eventually } from './support/eventually.js';
import { ImitatedNewSide } from './support/imitated-new-side.js';
import { RunningLegacy } from './support/running-legacy.js';
import { ScriptedSide } from './support/scripted-side.js';
import { TestedFacade, type TestedFacadeOptions } from './support/tested-facade.js';

const ZONE = new LegacyTimeZone('Asia/Kolkata');
const NOWHERE = 'http://127.0.0.1:9';
const KEY = 'k'.repeat(40);
const COUNT = 2_345;

describe('the reads of the facade', () => {
  let folder: string;
  let mongo: MongoClient;
  let real: RunningLegacy;
  let scripted: ScriptedSide;
  let newSide: ScriptedSide;
  const imitated = new ImitatedNewSide();
  let records: LegacyRecord[];
  const opened: TestedFacade[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-facade-reads-'));
    const servers = await emptyServers();
    mongo = new MongoClient(servers?.MONGODB_URI ?? '');
    real = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE: ZONE.name });
    await real.post(`/populate?count=${COUNT}`);
    scripted = await ScriptedSide.start(() => ({ body: 'null' }));
    newSide = await ScriptedSide.start(imitated.answer);
    const { text } = await real.get('/orders/range?start=1&end=1000000');
    records = JSON.parse(text) as LegacyRecord[];
    for (const order of translated(text)) imitated.save(order);
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (facade) => facade.close()));
    newSide.answer(imitated.answer);
  });

  afterAll(async () => {
    scripted.close();
    newSide.close();
    await real.end();
    await mongo.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(options: Partial<TestedFacadeOptions> = {}): Promise<TestedFacade> {
    const facade = await TestedFacade.start({
      legacyUrl: real.url,
      newUrl: newSide.url,
      zone: ZONE,
      db: mongo.db(),
      ...options,
    });
    opened.push(facade);
    return facade;
  }

  describe('with the real legacy system', () => {
    const paths = (): string[] => [
      `/orders/${records[7]?.id}`,
      `/orders/${records[7]?.id.toUpperCase()}`,
      '/orders/unknown',
      `/orders/${'x'.repeat(1_000)}`,
      '/orders/a%2Fb%20%C3%BC',
      '/orders/page/1',
      '/orders/page/3',
      '/orders/page/4',
      '/orders/page/1000000',
      '/orders/page/0',
      '/orders/page/1000001',
      '/orders/page/1e3',
      '/orders/range?start=1&end=1',
      '/orders/range?start=990&end=1010',
      '/orders/range?start=1&end=1000000000',
      '/orders/range?start=5000&end=6000',
      '/orders/range?start=7&end=6',
      '/orders/range?start=7',
      '/orders/range',
      '/orders/range?start=a&end=b',
      '/orders/range?start=1&end=9999999999',
    ];

    it.each(['off', 'shadow', 'live', 'complete'] as const)(
      'in %s, every answer is that of the legacy system',
      async (stage) => {
        const facade = await open();
        facade.enter(stage);
        for (const path of paths())
          expect({ path, ...(await ask(facade, path)) }).toEqual({ path, ...(await ask(real, path)) });
      },
    );

    it('asks only the legacy system in off, and only the new side in complete', async () => {
      const facade = await open({ newUrl: NOWHERE });
      expect((await ask(facade, '/orders/page/1')).status).toBe(200);
      const complete = await open({ legacyUrl: NOWHERE });
      complete.enter('complete');
      expect((await ask(complete, '/orders/page/1')).status).toBe(200);
    });

    it('finds no difference, by id, page and range', async () => {
      const facade = await open();
      for (const stage of ['shadow', 'live'] as const) {
        facade.enter(stage);
        const asked = [
          `/orders/${records[3]?.id}`,
          '/orders/unknown',
          '/orders/page/2',
          '/orders/range?start=500&end=2400',
        ];
        for (const path of asked) await ask(facade, path);
        const figures = async () => ({
          id: await facade.observations.read('read-by-id', facade.version),
          page: await facade.observations.read('read-by-page', facade.version),
          range: await facade.observations.read('read-by-range', facade.version),
        });
        await eventually('all are compared', 10_000, async () => {
          const { id, page, range } = await figures();
          return id.samples === 2 && page.samples === 1 && range.samples === 1;
        });
        const { id, page, range } = await figures();
        for (const each of [id, page, range]) {
          expect(each).toMatchObject({ mismatches: 0, failures: { legacy: 0, new: 0 } });
          expect(each.p99Ms.legacy).toBeGreaterThan(0);
          expect(each.p50Ms.new).toBeGreaterThan(0);
        }
        expect(id.requests).toEqual({ legacy: 2, new: 2 });
      }
      expect(await facade.mismatches.list({ limit: 10 })).toEqual([]);
    });

    it('stores a mismatch once, with its field, both values and both answers, and counts it', async () => {
      const facade = await open();
      facade.enter('shadow');
      const [order] = translated((await real.get(`/orders/${records[11]?.id}`)).text) as [LegacyOrder];
      imitated.save(order, { symbol: 'EVEN' });
      try {
        for (let at = 0; at < 2; at += 1) {
          await ask(facade, `/orders/${order.id}`);
          await ask(facade, '/orders/page/1');
        }
        await eventually('all are compared', 10_000, async () => {
          const [id, page] = await Promise.all(
            (['read-by-id', 'read-by-page'] as const).map(async (each) =>
              facade.observations.read(each, facade.version),
            ),
          );
          return id?.mismatches === 2 && page?.mismatches === 2;
        });
        const [first, ...others] = await facade.mismatches.list({ capability: 'read-by-id', limit: 10 });
        expect(others).toEqual([]);
        expect(first).toMatchObject({
          key: order.id,
          version: facade.version,
          recheck: 'differs',
          count: 2,
          paths: [{ path: 'symbol', legacy: JSON.stringify(order.symbol), new: '"EVEN"' }],
          legacyRaw: (await real.get(`/orders/${order.id}`)).text,
          newRaw: expect.stringContaining('"EVEN"'),
        });
        const all = await facade.mismatches.list({ limit: 1 });
        const next = await facade.mismatches.list({ limit: 1, after: all[0]?._id.toHexString() });
        const last = await facade.mismatches.list({ limit: 1, after: next[0]?._id.toHexString() });
        expect([...all, ...next, ...last].map(({ key }) => key).toSorted()).toEqual(
          [order.id, 'read-by-page:1'].toSorted(),
        );
        const page = [...all, ...next].find(({ key }) => key === 'read-by-page:1');
        expect(page?.paths).toEqual([
          { path: `${order.legacy.number}.symbol`, legacy: JSON.stringify(order.symbol), new: '"EVEN"' },
        ]);
      } finally {
        imitated.forget(order.id);
        imitated.save(order);
      }
    });
  });

  describe('with a legacy system that misbehaves', () => {
    let facade: TestedFacade;
    const order = (change: object = {}) => ({ ...records[0], ...change });
    const answers: readonly [what: string, path: string, code: string, body: () => string, type?: string][] = [
      ['HTML', '/orders/page/1', 'html', () => '<html><h1>502</h1></html>', 'text/html'],
      ['HTML as JSON', `/orders/some`, 'html', () => '<!doctype html>'],
      ['half a JSON document', '/orders/page/1', 'half-json', () => JSON.stringify([order()]).slice(0, 77)],
      [
        'a float that is no exact amount',
        '/orders/page/1',
        'not-a-plain-decimal',
        () => JSON.stringify([order({ number: 9, price: 0.1 + 0.2 })]),
      ],
      ['an id that is no UUID', '/orders/order-7', 'not-a-uuid', () => JSON.stringify(order({ id: 'order-7' }))],
      ['an object instead of a list', '/orders/page/1', 'not-a-list', () => '{"items":[]}'],
      ['text without a type', '/orders/page/1', 'not-json', () => 'maintenance', 'text/plain'],
    ];

    beforeEach(async () => {
      facade = await open({ legacyUrl: scripted.url, timeoutMs: 500 });
      facade.enter('shadow');
    });

    it.each(answers)(
      '%s: the client gets it unchanged, and it is reported as what it is',
      async (_, path, code, body, type) => {
        const text = body();
        scripted.answer(() => ({ body: text, ...(type !== undefined && { type }) }));
        expect(await ask(facade, path)).toEqual({
          status: 200,
          type: type ?? 'application/json; charset=utf-8',
          body: text,
        });
        await eventually('it is reported', 10_000, async () => (await found()).includes(code));
      },
    );

    it('a page that changes between two reads is reported, although both sides agree at last', async () => {
      let reads = 0;
      const page = records.slice(0, 1_000);
      scripted.answer(() => ({
        body: JSON.stringify(
          (reads += 1) === 1 ? page.with(4, order({ ...page[4], symbol: 'EVEN' }) as LegacyRecord) : page,
        ),
      }));
      await ask(facade, '/orders/page/1');
      await eventually('it is reported', 10_000, async () => (await found()).includes('changes-between-reads'));
      const [mismatch] = (await facade.mismatches.list({ limit: 1 })) ?? [];
      expect(mismatch).toMatchObject({ recheck: 'passed', paths: [{ path: '5.symbol', legacy: '"EVEN"' }] });
      expect(await facade.observations.read('read-by-page', facade.version)).toMatchObject({
        samples: 1,
        mismatches: 0,
      });
    });

    it.each([404, 418, 500, 503])('status %d goes through with its body and headers', async (status) => {
      scripted.answer(() => ({
        status,
        type: 'text/plain',
        body: 'no',
        headers: { 'x-legacy': 'yes', 'retry-after': '7' },
      }));
      const response = await fetch(`${facade.url}/orders/page/1`);
      expect([response.status, response.headers.get('x-legacy'), response.headers.get('retry-after')]).toEqual([
        status,
        'yes',
        '7',
      ]);
      expect(await response.text()).toBe('no');
      const { failures } = await facade.observations.read('read-by-page', facade.version);
      expect(failures.legacy).toBe(status >= 500 ? 1 : 0);
    });

    it('an answer that breaks off is a 503 in the form of the legacy system, and never a whole answer', async () => {
      scripted.answer(() => ({ body: JSON.stringify(records.slice(0, 100)), cut: true }));
      await expectAway(facade, '/orders/page/1', 'legacy-away');
    });

    it('one that is away, or hangs, is a 503 with Retry-After', async () => {
      scripted.answer(() => 'hang');
      await expectAway(facade, '/orders/page/1', 'legacy-away');
      await expectAway(await open({ legacyUrl: NOWHERE }), '/orders/page/1', 'legacy-away');
      const { requests, failures } = await facade.observations.read('read-by-page', facade.version);
      expect({ requests: requests.legacy, failures: failures.legacy }).toEqual({ requests: 1, failures: 1 });
    });

    it('a new side that hangs, or gives nonsense, is a 503 once it is to answer, and nothing before', async () => {
      for (const answer of [
        'hang' as const,
        { body: '{"items": [{"id": 1}], "page": {}}' },
        { status: 500, body: '{}' },
      ]) {
        newSide.answer(() => answer);
        scripted.answer(() => ({ body: 'null' }));
        facade.enter('shadow');
        expect((await ask(facade, `/orders/${records[0]?.id}`)).body).toBe('null');
        facade.enter('live');
        await expectAway(facade, '/orders/page/1', 'new-away');
      }
    });

    async function found(): Promise<(string | undefined)[]> {
      const listed = await facade.mismatches.list({ limit: 100 });
      return listed
        .filter(({ version }) => version === facade.version)
        .flatMap(({ paths }) => paths.map(({ code }) => code));
    }
  });

  describe('with writes under way', () => {
    it('waits for what a read may ask for, and otherwise answers 503', async () => {
      const facade = await open();
      const final = Promise.withResolvers<void>();
      facade.untilReadable = async () => final.promise;
      const waiting = ask(facade, '/orders/page/1');
      let isAnswered = false;
      void waiting.then(() => (isAnswered = true));
      await ask(real, '/orders/page/1');
      expect(isAnswered).toBe(false);
      final.resolve();
      expect((await waiting).status).toBe(200);
      facade.untilReadable = async () => {
        throw Object.assign(new Error('writes are open'), { code: 'still-open' });
      };
      await expectAway(facade, '/orders/page/1', 'still-open');
    });

    it('answers 503 while the stage is unknown', async () => {
      const facade = await open();
      facade.untilKnown = async () => {
        throw Object.assign(new Error('MongoDB is away'), { code: 'state-unknown' });
      };
      await expectAway(facade, '/orders/page/1', 'state-unknown');
    });

    it('answers without MongoDB: figures and mismatches wait for it', async () => {
      const away = new MongoClient('mongodb://127.0.0.1:9/orders', { serverSelectionTimeoutMS: 50 });
      const facade = await open({ db: away.db() });
      facade.enter('shadow');
      expect((await ask(facade, '/orders/page/1')).status).toBe(200);
      await expect(facade.observations.flush()).rejects.toThrow();
      await away.close();
    });
  });

  describe('of a long range', () => {
    const MIB = 1024 * 1024;

    it('pass through while they arrive: a client that does not read stops the legacy system', async () => {
      const source = await endlessServer();
      const facade = await open({ legacyUrl: source.url });
      facade.enter('shadow');
      const response = await startReading(`${facade.url}/orders/range?start=1&end=1000000000`);
      const before = await source.stopped();
      expect(before).toBeLessThan(64 * MIB);
      response.destroy();
      source.server.closeAllConnections();
      source.server.close();
    });

    it('are read from the new side page by page: a client that does not read stops the pages', async () => {
      const pages = [1, 2].map((page) => imitated.answer(pageRequest(page)));
      let asked = 0;
      newSide.answer(({ path }) => {
        asked += 1;
        const answer = pages[path.includes('pageToken') ? 1 : 0];
        const { items } = JSON.parse(answer === undefined || typeof answer === 'string' ? '{}' : answer.body) as {
          items: object[];
        };
        return { body: JSON.stringify({ items, page: { next: '/v1/orders?pageToken=again' } }) };
      });
      const facade = await open();
      facade.enter('complete');
      const response = await startReading(`${facade.url}/orders/range?start=1&end=1000000000`);
      await unchanging(() => asked);
      expect(asked).toBeLessThan(200);
      response.destroy();
    });

    function pageRequest(page: number) {
      const path = `/v1/orders?legacyNumber[gte]=1&legacyNumber[lte]=2000&pageSize=1000&pageToken=${(page - 1) * 1_000}`;
      return { method: 'GET', path, headers: {}, body: '' };
    }
  });

  describe('with API keys', () => {
    it('answers clients that have one, and counts their requests; the legacy system never sees it', async () => {
      const facade = await open({ legacyUrl: scripted.url });
      scripted.answer(() => ({ body: '[]' }));
      facade.keys = ClientKeys.parse(JSON.stringify({ clients: [{ name: 'billing', keys: [hash('sha256', KEY)] }] }));
      const withHeaders = async (headers: Record<string, string>) => fetch(`${facade.url}/orders/page/1`, { headers });
      expect((await withHeaders({ 'x-api-key': KEY })).status).toBe(200);
      const basic = `Basic ${Buffer.from(`billing:${KEY}`).toString('base64')}`;
      expect((await withHeaders({ authorization: basic })).status).toBe(200);
      expect(JSON.stringify(scripted.requests)).not.toMatch(new RegExp(`${KEY}|Basic`));
      const rejected = await withHeaders({ 'x-api-key': `${KEY}x` });
      expect(rejected.status).toBe(401);
      expect(await rejected.json()).toEqual({
        statusCode: 401,
        code: 'bad-api-key',
        error: 'Unauthorized',
        message: 'the API key is unknown, or not that of the named user',
      });
      expect((await withHeaders({})).headers.get('www-authenticate')).toMatch(/^Basic /);
      const metrics = await facade.registry.metrics();
      expect(metrics).toContain('facade_client_requests_total{client="billing"} 2');
      expect(metrics).toContain('facade_client_requests_total{client="unknown"} 2');
      expect(metrics).not.toContain(KEY);
    });

    it('without them, rejects what a web page could send to this machine', async () => {
      const facade = await open();
      const response = await fetch(`${facade.url}/orders/page/1`, { headers: { origin: 'https://example.com' } });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ statusCode: 403, code: 'foreign-origin', error: 'Forbidden' });
    });
  });
});

async function ask({ url }: { readonly url: string }, path: string) {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

async function expectAway({ url }: { readonly url: string }, path: string, code: string): Promise<void> {
  const response = await fetch(`${url}${path}`);
  expect(response.status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await response.json()).toEqual({
    statusCode: 503,
    code,
    error: 'Service Unavailable',
    message: expect.any(String),
  });
}

function translated(text: string): LegacyOrder[] {
  const parsed = parseStrictJson(text);
  return [('value' in parsed ? parsed.value : []) as unknown].flat().map((value) => {
    const read = fromLegacy(value, ZONE);
    if ('order' in read) return read.order;
    throw new Error(JSON.stringify(read.reason));
  });
}

/** Resolves with a response whose body is not read. */
async function startReading(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, resolve).once('error', reject);
  });
}

/** A server whose answers never end. `stopped` resolves with the bytes that it has sent once nobody takes more. */
async function endlessServer(): Promise<{ url: string; server: Server; stopped: () => Promise<number> }> {
  let sent = 0;
  const piece = Buffer.alloc(64 * 1024, ' ');
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const write = (): void => {
      do sent += piece.length;
      while (response.write(piece) && sent < 1024 * 1024 * 1024);
      response.once('drain', write);
    };
    write();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, server, stopped: async () => unchanging(() => sent) };
}

/** Resolves with a figure once it has not changed for half a second. */
async function unchanging(read: () => number): Promise<number> {
  let last = 0;
  let checks = 0;
  await eventually('the figure does not change', 20_000, () => {
    checks = read() === last && last > 0 ? checks + 1 : 0;
    last = read();
    return checks === 5;
  });
  return last;
}
