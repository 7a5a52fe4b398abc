import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { timeLimit } from '#orders/time-limit.js';
import { eventually } from './support/eventually.js';
import { ask, away, errorOf, startReading, unchanging } from './support/facade-requests.js';
import { FacadeSurroundings, NOWHERE } from './support/facade-surroundings.js';
import { ScriptedSide } from './support/scripted-side.js';
import type { TestedFacade } from './support/tested-facade.js';

const ONCE = { requests: 1, failures: 1 };

describe('the facade and odd answers', () => {
  let around: FacadeSurroundings;
  let scripted: ScriptedSide;
  const inPage = (change: object): string => JSON.stringify([changed(around.records[0], change)]);

  beforeAll(async () => {
    around = await FacadeSurroundings.start();
    scripted = await ScriptedSide.start(() => ({ body: 'null' }));
  });
  afterEach(async () => around.reset());
  afterAll(async () => {
    scripted.close();
    await around.end();
  });

  async function openImpatient(): Promise<TestedFacade> {
    const impatient = await around.open({ legacyUrl: scripted.url, timeoutMs: 500 });
    impatient.enter('shadow');
    return impatient;
  }

  describe('with a legacy system that misbehaves', () => {
    let facade: TestedFacade;
    const JSON_TYPE = 'application/json; charset=utf-8';
    const PAGE = '/orders/page/1';
    const answers: readonly { what: string; path: string; type?: string; code: string; body: () => string }[] = [
      { what: 'HTML', path: PAGE, type: 'text/html', code: 'html', body: () => '<html><h1>502</h1></html>' },
      { what: 'HTML as JSON', path: '/orders/some', code: 'html', body: () => '<!doctype html>' },
      { what: 'half a JSON document', path: PAGE, code: 'half-json', body: () => inPage({}).slice(0, 77) },
      {
        what: 'a float that is no exact amount',
        path: PAGE,
        code: 'not-a-plain-decimal',
        body: () => inPage({ number: 9, price: 0.1 + 0.2 }),
      },
      {
        what: 'an id that is no UUID',
        path: '/orders/order-7',
        code: 'not-a-uuid',
        body: () => JSON.stringify(changed(around.records[0], { id: 'order-7' })),
      },
      { what: 'an object instead of a list', path: PAGE, code: 'not-a-list', body: () => '{"items":[]}' },
      { what: 'plain text', path: PAGE, type: 'text/plain', code: 'not-json', body: () => 'maintenance' },
    ];

    beforeEach(async () => {
      facade = await around.open({ legacyUrl: scripted.url });
      facade.enter('shadow');
    });

    it.each(answers)(
      '$what: the client gets it unchanged, and it is reported as what it is',
      async ({ path, type = JSON_TYPE, code, body }) => {
        const text = body();
        scripted.answer(() => ({ body: text, type }));
        expect(await ask(facade, path)).toEqual({ status: 200, type, body: text });
        await eventually('it is reported', async () => (await found()).includes(code));
      },
    );

    it('a page that changes between two reads is reported, although both sides agree at last', async () => {
      let reads = 0;
      const page = around.records.slice(0, 1_000);
      scripted.answer(() => ({
        body: JSON.stringify((reads += 1) === 1 ? page.with(4, changed(page[4], { symbol: 'OTHER' })) : page),
      }));
      expect(await ask(facade, '/orders/page/1')).toMatchObject({ status: 200 });
      await eventually('it is reported', async () => (await found()).includes('changes-between-reads'));
      const [mismatch] = (await facade.mismatches.list({ limit: 1 })) ?? [];
      expect(mismatch).toMatchObject({ recheck: 'passed', paths: [{ path: '5.symbol', legacy: '"OTHER"' }] });
      expect(await facade.figuresOf('read-by-page')).toMatchObject({
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
      const { failures } = await facade.figuresOf('read-by-page');
      expect(failures.legacy).toBe(status >= 500 ? 1 : 0);
    });

    it('an answer that breaks off is a 503 in the form of the legacy system, and never a whole answer', async () => {
      scripted.answer(() => ({ body: JSON.stringify(around.records.slice(0, 100)), cut: true }));
      expect(await errorOf(facade, '/orders/page/1')).toEqual(away('legacy-away'));
    });

    it('one that is away, or hangs, is a 503 with Retry-After', async () => {
      facade = await openImpatient();
      scripted.answer(() => 'hang');
      expect(await errorOf(facade, '/orders/page/1')).toEqual(away('legacy-away'));
      expect(await errorOf(await around.open({ legacyUrl: NOWHERE }), '/orders/page/1')).toEqual(away('legacy-away'));
      const { requests, failures } = await facade.figuresOf('read-by-page');
      expect({ requests: requests.legacy, failures: failures.legacy }).toEqual({ requests: 1, failures: 1 });
    });

    it('one that hangs counts as failed after two seconds, long before its time-out, and once', async () => {
      const clock = new ManualClock();
      facade = await around.open({ legacyUrl: scripted.url, clock });
      scripted.answer(() => 'hang');
      const asked = ask(facade, '/orders/page/1');
      await eventually('it was asked', () => scripted.requests.length === 1);
      await clock.advance(timeLimit(2_000));
      const legacy = async (): Promise<object> => {
        const { requests, failures } = await facade.figuresOf('read-by-page');
        return { requests: requests.legacy, failures: failures.legacy };
      };
      await eventually('it counts as failed', async () => isDeepStrictEqual(await legacy(), ONCE));
      scripted.answer(() => ({ body: '[]' }));
      expect(await asked).toMatchObject({ status: 200 });
      expect(await legacy()).toEqual(ONCE);
    });

    it('a new side that hangs, or gives nonsense, is a 503 once it is to answer, and nothing before', async () => {
      facade = await openImpatient();
      for (const answer of [
        'hang' as const,
        { body: '{"items": [{"id": 1}], "page": {}}' },
        { status: 500, body: '{}' },
      ]) {
        around.newSide.answer(() => answer);
        scripted.answer(() => ({ body: 'null' }));
        facade.enter('shadow');
        expect((await ask(facade, `/orders/${around.records[0]?.id}`)).body).toBe('null');
        facade.enter('live');
        expect(await errorOf(facade, '/orders/page/1')).toEqual(away('new-away'));
      }
    });

    async function found(): Promise<(string | undefined)[]> {
      const listed = await facade.mismatches.list({ limit: 100 });
      return listed
        .filter(({ version }) => version === facade.version)
        .flatMap(({ paths }) => paths.map(({ code }) => code));
    }
  });

  describe('of a long range', () => {
    const MIB = 1024 * 1024;

    it('pass through while they arrive: a client that does not read stops the legacy system', async () => {
      const source = await endlessServer();
      const facade = await around.open({ legacyUrl: source.url });
      facade.enter('shadow');
      const response = await startReading(`${facade.url}/orders/range?start=1&end=1000000000`);
      const before = await source.stopped();
      expect(before).toBeLessThan(64 * MIB);
      response.destroy();
      source.server.closeAllConnections();
      source.server.close();
    });

    it('are read from the new side page by page: a client that does not read stops the pages', async () => {
      const pages = [1, 2].map((page) => around.imitated.answer(pageRequest(page)));
      let asked = 0;
      around.newSide.answer(({ path }) => {
        asked += 1;
        const answer = pages[path.includes('pageToken') ? 1 : 0];
        const { items } = JSON.parse(answer === undefined || typeof answer === 'string' ? '{}' : answer.body) as {
          items: object[];
        };
        return { body: JSON.stringify({ items, page: { next: '/v1/orders?pageToken=again' } }) };
      });
      const facade = await around.open();
      facade.enter('complete');
      const response = await startReading(`${facade.url}/orders/range?start=1&end=1000000000`);
      await unchanging(() => asked);
      expect(asked).toBeLessThan(200);
      response.destroy();
    });
  });
});

/** A server whose answers never end. `stopped` resolves with the bytes that were sent by the time no more are taken. */
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

function changed(record: LegacyRecord | undefined, change: object = {}): LegacyRecord {
  return { ...record, ...change } as LegacyRecord;
}

/** The query API's request for a page of 1,000 orders. */
function pageRequest(page: number) {
  const path = `/v1/orders?legacyNumber[gte]=1&legacyNumber[lte]=2000&pageSize=1000&pageToken=${(page - 1) * 1_000}`;
  return { method: 'GET', path, headers: {}, body: '' };
}
