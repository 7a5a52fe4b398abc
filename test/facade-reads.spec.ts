import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { timeLimit } from '#orders/time-limit.js';
import { Observations } from '../apps/facade/src/comparison/observations.js';
import { byCapability, READ_CAPABILITIES } from '../apps/facade/src/stages/stages.js';
import { eventually } from './support/eventually.js';
import { FacadeStack, NOWHERE, ZONE, ScriptedSide } from './support/facade-stack.js';
import type { RunningFacade } from './support/started-app.js';

const STAGES = ['off', 'shadow', 'live', 'complete'] as const;
const PAGE = '/orders/page/1';

interface Mismatches {
  readonly items: readonly { readonly key: string; readonly version: number; readonly code?: string }[];
  readonly next: string | null;
}

/** Matches an answer of the facade while a read can not be answered: its form is that of the legacy system. */
function unavailable(code: string) {
  const body = { statusCode: 503, code, error: 'Service Unavailable', message: expect.any(String) };
  return { status: 503, retryAfter: '1', body };
}

describe('the reads of the facade', () => {
  let stack: FacadeStack;
  /** The orders of the legacy system, by number from 1. */
  let records: readonly LegacyRecord[];
  let orders: readonly LegacyOrder[];
  /** A legacy system that answers as a case says, a facade before it, and one that gives up soon, for answers that never come. */
  let scripted: ScriptedSide;
  let odd: RunningFacade;
  let impatient: RunningFacade;

  beforeAll(async () => {
    stack = await FacadeStack.start();
    await stack.legacy.post('/populate?count=2345');
    const { text } = await stack.legacy.get('/orders/range?start=1&end=1000000');
    records = JSON.parse(text) as LegacyRecord[];
    orders = (parseStrictJson(text) as { value: unknown[] }).value.map((each) => {
      const read = fromLegacy(each, ZONE);
      if ('order' in read) return read.order;
      throw new Error(JSON.stringify(read.reason));
    });
    for (const order of orders) stack.fake.save(order);
    scripted = await ScriptedSide.start(() => ({ body: 'null' }));
    await stack.writesAt('dualwrite');
    odd = await stack.facade('odd', { LEGACY_URL: scripted.url });
    const soon = { LEGACY_TIMEOUT_MS: '500', NEW_SIDE_TIMEOUT_MS: '500' };
    impatient = await stack.facade('impatient', { LEGACY_URL: scripted.url, ...soon });
  });

  afterEach(() => stack.target.answer(stack.fake.answer));

  afterAll(async () => {
    scripted.close();
    await stack.end();
  });

  async function mismatches(query: string): Promise<Mismatches> {
    return (await stack.one.get<Mismatches>(`/v1/migration/mismatches?${query}`)).body;
  }

  async function figures() {
    const { capabilities } = await stack.one.state();
    return READ_CAPABILITIES.map((read) => capabilities[read]);
  }

  it.each(STAGES)('in %s, have the answers of the legacy system', async (stage) => {
    await stack.readsAt(stage);
    for (const path of pathsOf(records))
      expect({ path, ...(await stack.one.get(path)) }).toEqual({ path, ...(await stack.legacy.get(path)) });
  });

  it('ask only the legacy system in off, and only the target in complete', async () => {
    const alone = await stack.facade('alone', { LEGACY_URL: NOWHERE });
    await stack.readsAt('complete');
    expect((await alone.get(PAGE)).status).toBe(200);
    await stack.readsAt('off');
    expect(await alone.get(PAGE)).toMatchObject(unavailable('legacy-away'));
    stack.target.answer(() => 'disconnect');
    expect((await stack.one.get(PAGE)).status).toBe(200);
  });

  it('differ in nothing by id, page and range, also on the thread for large answers', async () => {
    for (const stage of ['shadow', 'live'] as const) {
      await stack.readsAt(stage);
      const asked = [
        `/orders/${records[3]?.id}`,
        '/orders/unknown',
        '/orders/page/2',
        '/orders/range?start=500&end=2400',
      ];
      for (const path of asked) await stack.one.get(path);
      await eventually('all are compared', async () => {
        const samples = (await figures()).map((each) => each.samples);
        return samples.join() === '2,1,1' || samples;
      });
      for (const { mismatches: found, errorRate, p99Ms, p50Ms } of await figures()) {
        expect({ found, errorRate }).toEqual({ found: 0, errorRate: { legacy: 0, new: 0 } });
        expect(p99Ms.legacy).toBeGreaterThan(0);
        expect(p50Ms.new).toBeGreaterThan(0);
      }
    }
  });

  it('store a mismatch once, with its field, both values and both answers, and count it', async () => {
    await stack.readsAt('shadow');
    const order = orders[11] as LegacyOrder;
    // No instrument has this symbol.
    stack.fake.save(order, { symbol: 'OTHER' });
    for (const path of [`/orders/${order.id}`, `/orders/${order.id}`, PAGE]) await stack.one.get(path);
    await eventually('all are compared', async () => {
      const found = (await figures()).map((each) => each.mismatches);
      return found.join() === '2,1,0' || found;
    });
    stack.fake.save(order);
    const version = (await figures())[0]?.version;
    const values = { legacy: JSON.stringify(order.symbol), new: '"OTHER"' };
    const { items } = await mismatches('capability=read-by-id');
    expect(items.filter((each) => each.version === version)).toEqual([
      expect.objectContaining({
        key: order.id,
        recheck: 'differs',
        count: 2,
        paths: [{ path: 'symbol', ...values }],
        legacyRaw: (await stack.legacy.get(`/orders/${order.id}`)).text,
        newRaw: expect.stringContaining('"OTHER"'),
      }),
    ]);
    const { items: all } = await mismatches('pageSize=100');
    const paged: Mismatches['items'][number][] = [];
    for (let after = ''; paged.length < all.length;) {
      const page = await mismatches(`pageSize=1${after}`);
      paged.push(...page.items);
      after = `&after=${page.next}`;
    }
    expect(paged).toEqual(all);
    const paths = [{ path: `${order.legacy.number}.symbol`, ...values }];
    expect(all).toContainEqual(expect.objectContaining({ key: 'read-by-page:1', paths }));
  });

  it.each([
    ['html', PAGE, 'text/html', () => '<html><h1>502</h1></html>'],
    ['half-json', PAGE, 'application/json', () => JSON.stringify(records.slice(0, 1)).slice(0, 77)],
    ['not-a-uuid', '/orders/order-7', 'application/json', () => JSON.stringify({ ...records[0], id: 'order-7' })],
  ])('pass on an answer of the legacy system that is %s, and report it', async (code, path, type, answer) => {
    await stack.readsAt('shadow');
    const body = answer();
    scripted.answer(() => ({ body, type }));
    expect(await odd.get(path)).toMatchObject({
      status: 200,
      type,
      text: body,
    });
    await eventually('it is reported', async () =>
      (await mismatches('pageSize=100')).items.some((each) => each.code === code),
    );
  });

  it.each([404, 418, 500, 503])('pass on status %d with its body and headers', async (status) => {
    await stack.readsAt('off');
    const headers = { 'x-legacy': 'yes', 'retry-after': '7' };
    scripted.answer(() => ({ status, type: 'text/plain', body: 'no', headers }));
    const response = await fetch(`${odd.url}${PAGE}`);
    expect({ status: response.status, body: await response.text() }).toEqual({ status, body: 'no' });
    expect(Object.fromEntries(response.headers)).toMatchObject(headers);
  });

  it.each([
    ['breaks off its answer', { body: '['.repeat(10_000), cut: true }],
    ['hangs', 'hang'],
  ] as const)('are a 503 while the legacy system %s, and never a part of an answer', async (_what, answer) => {
    await stack.readsAt('shadow');
    scripted.answer(() => answer);
    expect(await impatient.get(PAGE)).toMatchObject(unavailable('legacy-away'));
  });

  it.each([
    ['hangs', 'hang'],
    ['gives nonsense', { body: '{"items": [{"id": 1}], "page": {}}' }],
    ['fails', { status: 500, body: '{}' }],
  ] as const)('are a 503 while the target %s once it is to answer, and not before', async (_what, answer) => {
    scripted.answer(() => ({ body: 'null' }));
    await stack.readsAt('shadow');
    stack.target.answer(() => answer);
    expect(await odd.get(`/orders/${records[0]?.id}`)).toMatchObject({ status: 200, text: 'null' });
    await stack.readsAt('live');
    expect(await impatient.get(PAGE)).toMatchObject(unavailable('new-away'));
  });

  it('count as failed after two seconds without an answer, long before the time-out, and once', async () => {
    const clock = new ManualClock();
    const observations = new Observations(stack.db, clock, () => undefined);
    const ended = observations.begin({ capability: 'read-by-page', version: 99, side: 'legacy' });
    const counted = async () => (await observations.read(byCapability(() => 99)))['read-by-page'];
    expect(await counted()).toMatchObject({ requests: { legacy: 0 } });
    await clock.advance(timeLimit(2_000));
    expect(await counted()).toMatchObject({ requests: { legacy: 1 }, failures: { legacy: 1 } });
    ended({ ms: 3_000, failed: false });
    expect(await counted()).toMatchObject({ requests: { legacy: 1 }, failures: { legacy: 1 } });
  });
});

/** Requests with every kind of parameter, right and wrong. */
function pathsOf(records: readonly LegacyRecord[]): string[] {
  return [
    `/orders/${records[7]?.id}`,
    `/orders/${records[7]?.id.toUpperCase()}`,
    '/orders/unknown',
    `/orders/${'x'.repeat(1_000)}`,
    '/orders/a%2Fb%20%C3%BC',
    ...['1', '3', '4', '1000000', '0', '1000001', '1e3'].map((page) => `/orders/page/${page}`),
    '/orders/range',
    ...[
      'start=1&end=1',
      'start=990&end=1010',
      'start=1&end=1000000000',
      'start=5000&end=6000',
      'start=7&end=6',
      'start=7',
      'start=a&end=b',
      'start=1&end=9999999999',
    ].map((query) => `/orders/range?${query}`),
  ];
}
