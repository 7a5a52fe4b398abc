import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { MigrationResponse } from '../apps/facade/src/migration/migration-response.js';
import { eventually } from './support/eventually.js';
import { RunningFacade, type FacadeAnswer } from './support/running-facade.js';
import { conditionsOf, decided, TwoFacades } from './support/two-facades.js';

const ORDER = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: 187.35, currency: 'EUR' };
const READS = ['read-by-id', 'read-by-page', 'read-by-range'] as const;

interface Pending {
  readonly items: readonly { readonly id: string; readonly answering: string; readonly reason: string | null }[];
}

type Refused = FacadeAnswer<{
  readonly code: string;
  readonly state: MigrationResponse;
  readonly gate?: { condition: string }[];
}>;

const conflict = (code: string) => ({ status: 409, body: { code } });

// The tests wait for events, such as the end of a lease.
jest.setTimeout(60_000);

/** The whole way from `off` to `complete`, with two facade processes. Each test goes on where the one before has ended. */
describe('the writes of the facade', () => {
  let around: TwoFacades;
  let one: RunningFacade;
  let two: RunningFacade;

  beforeAll(async () => {
    around = await TwoFacades.start();
    ({ one, two } = around);
  });

  afterAll(async () => around.end());

  it('in off, pass everything on, and the answers unchanged', async () => {
    const { status, body } = await one.post<LegacyRecord>('/orders', ORDER);
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...ORDER, number: 1, amount: 562.05 });
    expect(await around.onLegacy(body.id)).toEqual(body);
    expect((await two.get(`/orders/${body.id}`)).body).toEqual(body);
    const bad = '{"accountId": "acc-1", "price": 1e308, "odd": 1}';
    const direct = await fetch(`${around.legacy.url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bad,
    });
    expect(await one.post('/orders', bad)).toMatchObject({ status: 400, text: await direct.text() });
    expect(await two.post('/populate?count=1500')).toMatchObject({ status: 201, body: { first: 2, last: 1_501 } });
    expect((await one.state()).capabilities.writes).toMatchObject({
      stage: 'off',
      percent: 100,
      version: 1,
      pendingIntents: 0,
    });
  });

  it('refuse a wrong change with the whole state, change nothing, and audit it', async () => {
    const before = decided(await one.state());
    const cases: [string, number, () => Promise<unknown>][] = [
      ['skipped-stage', 409, async () => one.move('writes', 'live')],
      ['unknown-capability', 400, async () => one.move('deletes', 'live')],
      ['bad-percent', 400, async () => one.move('writes', 'dualwrite', { percent: 101 })],
      ['writes-first', 409, async () => one.move('read-by-id', 'shadow')],
      ['version-conflict', 409, async () => one.move('writes', 'dualwrite', { version: 9 })],
      ['invalid-request', 400, async () => one.post('/v1/migration/writes', { stage: 7, other: 1 })],
      ['unchanged', 409, async () => one.move('writes', 'off')],
    ];
    for (const [code, status, request] of cases) {
      const { body, ...refused } = (await request()) as Refused;
      expect({ code: body.code, status: refused.status }).toEqual({ code, status });
      expect(decided(body.state)).toEqual(before);
    }
    const { body } = await two.get<{ items: { action: string; code: string }[] }>('/v1/migration/audit');
    expect(body.items.filter(({ action }) => action === 'refusal').map(({ code }) => code)).toEqual([
      'unchanged',
      'version-conflict',
      'writes-first',
      'bad-percent',
      'unknown-capability',
      'skipped-stage',
    ]);
  });

  it('a hold blocks every change', async () => {
    await one.post('/v1/migration/hold', { held: true, reason: 'audit week' });
    const held = (await two.move('writes', 'dualwrite')) as unknown as Refused;
    expect(held).toMatchObject({ status: 409, body: { code: 'held', state: { hold: { reason: 'audit week' } } } });
    await two.post('/v1/migration/hold', { held: false, reason: 'done' });
  });

  it('do not leave off while an instance is silent, and forget it by force', async () => {
    const three = await RunningFacade.start('three', around.env);
    await eventually('it is registered', async () =>
      (await one.state()).instances.some(({ name }) => name === 'three'),
    );
    await three.end('SIGKILL');
    // The registration is made old, instead of waiting for 5 s.
    await around.db
      .collection('migrationInstances')
      .updateOne({ name: 'three' }, { $set: { refreshedAt: new Date(Date.now() - 60_000) } });
    expect(await one.move('writes', 'dualwrite')).toMatchObject(conflict('instances-missing'));
    const { capabilities, instances } = await around.moved('writes', 'dualwrite', { force: true, percent: 100 });
    expect(capabilities.writes).toMatchObject({ stage: 'dualwrite', percent: 100, version: 2 });
    expect(instances.map(({ name }) => name)).toEqual(['one', 'two']);
  });

  it('in dualwrite, the legacy system answers, and the new side gets the same number', async () => {
    const { status, body } = await two.post<LegacyRecord>('/orders', ORDER);
    expect(status).toBe(201);
    expect(body.number).toBeGreaterThan(1_501);
    expect(await around.onLegacy(body.id)).toEqual(body);
    await around.drained();
    expect(await around.onNew(body.id)).toMatchObject({
      id: body.id,
      price: '187.3500',
      legacy: { number: body.number },
    });
    expect((await one.post('/populate?count=1')).status).toBe(409);
  });

  it('accept a repeat under the same id from any instance, at the same time too, and no other content', async () => {
    const order = { ...ORDER, id: randomUUID() };
    const answers = await Promise.all(
      [one, two, one, two].map(async (each) => each.post<LegacyRecord>('/orders', order)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    await around.drained();
    expect(await two.post('/orders', order)).toEqual({ ...answers[0], status: 200 });
    const other = await one.post<{ code: string }>('/orders', { ...order, quantity: 4 });
    expect(other).toMatchObject({ status: 409, body: { statusCode: 409, code: 'order-conflict' } });
  });

  it('follow the legacy system’s rule for a number that the client chooses', async () => {
    expect(await one.post('/orders', { ...ORDER, number: 1 })).toMatchObject({ status: 409 });
    const chosen = { ...ORDER, id: randomUUID(), number: 50_000 };
    expect(await one.post('/orders', chosen)).toMatchObject({ status: 201, body: { number: 50_000 } });
    expect(await two.post('/orders', { ...ORDER, number: 50_000 })).toMatchObject(conflict('number-in-use'));
    await around.drained();
    expect(await two.post('/orders', chosen)).toMatchObject({
      status: 200,
      body: { id: chosen.id, number: 50_000 },
    });
  });

  it('pass on what can’t be translated, and report it', async () => {
    const { status, body } = await one.post<LegacyRecord>('/orders', { ...ORDER, price: 0.123_456 });
    expect(status).toBe(201);
    expect(body.price).toBe(0.123_456);
    expect(await around.onNew(body.id)).toBeNull();
    const { body: found } = await one.get<{ items: { key: string; code: string }[] }>(
      '/v1/migration/mismatches?capability=writes',
    );
    expect(found.items[0]).toMatchObject({ key: body.id, code: 'not-a-plain-decimal' });
  });

  it('do not go live before the gate is met, and name every condition', async () => {
    const { status, body } = (await one.move('writes', 'live')) as unknown as Refused;
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'gate-not-met' });
    expect(conditionsOf(body.gate)).toEqual(['samples', 'mismatches', 'error-rate', 'p99', 'oldest-intent', 'verify']);
    expect(conditionsOf(body.state.capabilities.writes.gate)).toEqual(conditionsOf(body.gate));
    expect(body.state.capabilities.writes.stage).toBe('dualwrite');
  });

  it('in live, the new side answers and the legacy system follows; a client reads its own writes on both', async () => {
    for (const read of READS) await around.moved(read, 'shadow');
    const { capabilities } = await around.moved('writes', 'live', { percent: 50, force: true });
    expect(capabilities.writes).toMatchObject({ stage: 'live', percent: 50 });
    for (let at = 0; at < 12; at += 1) {
      const { status, body } = await one.post<LegacyRecord>('/orders', { ...ORDER, accountId: `acc-${at}` });
      expect(status).toBe(201);
      expect((await two.get(`/orders/${body.id}`)).body).toEqual(body);
      expect((await two.get(`/orders/range?start=${body.number}&end=${body.number}`)).body).toEqual([body]);
    }
    await around.drained();
  });

  it('while the new side hangs, keep an intent until its outcome is known, and lose nothing in a rollback', async () => {
    await around.moved('writes', 'live', { percent: 100, force: true });
    const order = { ...ORDER, id: randomUUID() };
    around.newSide.answer(({ method }) => (method === 'POST' ? 'hang' : { status: 404, body: '{}' }));
    const unknown = await one.post<{ code: string }>('/orders', order);
    expect(unknown).toMatchObject({ status: 503, body: { code: 'outcome-unknown' } });
    await eventually('the intent has a reason', async () => {
      const { body } = await two.get<Pending>('/v1/migration/pending');
      return body.items.some(({ id, answering, reason }) => id === order.id && answering === 'new' && reason !== null);
    });
    // The rollback is done at once; the bucket hands over once the intent is final.
    expect(await around.moved('writes', 'dualwrite')).toMatchObject({
      capabilities: { writes: { stage: 'dualwrite' } },
    });
    expect(await around.onLegacy(order.id)).toBeNull();
    around.newSide.answer(around.imitated.answer);
    await around.drained();
    expect(await around.onNew(order.id)).toMatchObject({ id: order.id });
    expect(await around.onLegacy(order.id)).toMatchObject({ id: order.id });
    expect(await two.post('/orders', order)).toMatchObject({ status: 200, body: await around.onLegacy(order.id) });
  });

  it('finish what a killed instance has begun, in time for a repeat, even if it was the outbox worker', async () => {
    await around.moved('writes', 'live', { force: true });
    await around.makeWorker('two');
    around.newSide.answer(({ method }) => (method === 'POST' ? 'hang' : { status: 404, body: '{}' }));
    const order = { ...ORDER, id: randomUUID() };
    const lost = two.post('/orders', order).catch(() => undefined);
    await eventually(
      'it is admitted',
      async () => (await one.get<{ count: number }>('/v1/migration/pending')).body.count === 1,
    );
    await two.end('SIGKILL');
    await lost;
    around.newSide.answer(around.imitated.answer);
    expect(await one.post('/orders', order)).toMatchObject({ status: 200, body: { id: order.id } });
    await around.drained();
    expect(await around.onLegacy(order.id)).toMatchObject({ id: order.id });
    two = await around.restartTwo();
    expect(await two.post('/orders', order)).toMatchObject({ status: 200, body: { id: order.id } });
  });

  it('become complete only last, with a verify, and for ever', async () => {
    for (const read of READS) {
      await around.moved(read, 'live', { force: true });
      await around.moved(read, 'complete', { force: true });
    }
    expect(await one.move('writes', 'complete', { force: true })).toMatchObject(conflict('gate-not-met'));
    await around.verified();
    await around.moved('writes', 'complete', { force: true });
    const { body } = await two.post<LegacyRecord>('/orders', ORDER);
    expect(await around.onNew(body.id)).toMatchObject({ id: body.id });
    expect((await one.get(`/orders/${body.id}`)).body).toEqual(body);
    await around.drained();
    expect(await around.onLegacy(body.id)).toBeNull();
    expect(await one.post('/orders', { ...ORDER, price: 0.123_456 })).toMatchObject({
      status: 400,
      body: { code: 'not-a-plain-decimal', field: 'price' },
    });
    expect(await one.move('writes', 'live', { force: true })).toMatchObject(conflict('irreversible'));
  });
});
