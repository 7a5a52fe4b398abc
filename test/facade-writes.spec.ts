import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
/** Takes no intent of the new side, nor a read. */
const hanging = ({ method }: { readonly method: string }) =>
  method === 'POST' ? 'hang' : ({ status: 404, body: '{}' } as const);

/** Two facade processes of a stage, for the cases of a `describe`. @returns a function that cases call to get them */
function facadesIn(stage: 'off' | 'dualwrite' | 'live'): () => TwoFacades {
  let around: TwoFacades;
  beforeAll(async () => {
    around = await TwoFacades.start(stage);
  });
  afterAll(async () => around.end());
  return () => around;
}

describe('the writes of the facade, in off', () => {
  const around = facadesIn('off');

  it('are passed on, and the answers unchanged', async () => {
    const { one, two, legacy, onLegacy } = around();
    const { status, body } = await one.post<LegacyRecord>('/orders', ORDER);
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...ORDER, amount: 562.05 });
    expect(await onLegacy(body.id)).toEqual(body);
    expect((await two.get(`/orders/${body.id}`)).body).toEqual(body);
    const bad = '{"accountId": "acc-1", "price": 1e308, "odd": 1}';
    const direct = await fetch(`${legacy.url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bad,
    });
    expect(await one.post('/orders', bad)).toMatchObject({ status: 400, text: await direct.text() });
    const first = body.number + 1;
    expect(await two.post('/populate?count=1500')).toMatchObject({ status: 201, body: { first, last: first + 1_499 } });
    expect((await one.state()).capabilities.writes).toMatchObject({ stage: 'off', percent: 100, pendingIntents: 0 });
  });

  it('a wrong change is refused with the whole state, changes nothing, and is audited', async () => {
    const { one, two } = around();
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
    const refusals = body.items.filter(({ action }) => action === 'refusal').map(({ code }) => code);
    expect(refusals.slice(0, 6)).toEqual([
      'unchanged',
      'version-conflict',
      'writes-first',
      'bad-percent',
      'unknown-capability',
      'skipped-stage',
    ]);
  });

  it('a hold blocks every change', async () => {
    const { one, two } = around();
    await one.post('/v1/migration/hold', { held: true, reason: 'audit week' });
    const held = (await two.move('writes', 'dualwrite')) as unknown as Refused;
    expect(held).toMatchObject({ status: 409, body: { code: 'held', state: { hold: { reason: 'audit week' } } } });
    await two.post('/v1/migration/hold', { held: false, reason: 'done' });
  });
});

describe('the change from off', () => {
  const around = facadesIn('off');

  it('waits for a silent instance, and forgets it by force', async () => {
    const { one, env, db } = around();
    const three = await RunningFacade.start('three', env);
    await eventually('it is registered', async () =>
      (await one.state()).instances.some(({ name }) => name === 'three'),
    );
    await three.end('SIGKILL');
    // The registration is made old, instead of waiting.
    const refreshedAt = new Date(Date.now() - 3_600_000);
    await db.collection('migrationInstances').updateOne({ name: 'three' }, { $set: { refreshedAt } });
    expect(await one.move('writes', 'dualwrite')).toMatchObject(conflict('instances-missing'));
    const { capabilities, instances } = await around().moved('writes', 'dualwrite', { force: true, percent: 100 });
    expect(capabilities.writes).toMatchObject({ stage: 'dualwrite', percent: 100, version: 2 });
    expect(instances.map(({ name }) => name)).toEqual(['one', 'two']);
  });
});

describe('the writes of the facade, in dualwrite', () => {
  const around = facadesIn('dualwrite');

  it('are answered by the legacy system, and the new side gets the same number', async () => {
    const { one, two, onLegacy, onNew } = around();
    const { status, body } = await two.post<LegacyRecord>('/orders', ORDER);
    expect(status).toBe(201);
    expect(await onLegacy(body.id)).toEqual(body);
    await around().drained();
    expect(await onNew(body.id)).toMatchObject({ id: body.id, price: '187.3500', legacy: { number: body.number } });
    expect((await one.post('/populate?count=1')).status).toBe(409);
  });

  it('accept a repeat under the same id from any instance, at the same time too, and no other content', async () => {
    const { one, two } = around();
    const order = { ...ORDER, id: randomUUID() };
    const answers = await Promise.all(
      [one, two, one, two].map(async (each) => each.post<LegacyRecord>('/orders', order)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    await around().drained();
    expect(await two.post('/orders', order)).toEqual({ ...answers[0], status: 200 });
    const other = await one.post<{ code: string }>('/orders', { ...order, quantity: 4 });
    expect(other).toMatchObject({ status: 409, body: { statusCode: 409, code: 'order-conflict' } });
  });

  it('follow the legacy system’s rule for a number that the client chooses', async () => {
    const { one, two } = around();
    const { body: before } = await one.post<LegacyRecord>('/orders', ORDER);
    expect(await one.post('/orders', { ...ORDER, number: before.number })).toMatchObject({ status: 409 });
    const chosen = { ...ORDER, id: randomUUID(), number: before.number + 50_000 };
    expect(await one.post('/orders', chosen)).toMatchObject({ status: 201, body: { number: chosen.number } });
    const again = { ...ORDER, number: chosen.number };
    expect(await two.post('/orders', again)).toMatchObject(conflict('number-in-use'));
    await around().drained();
    expect(await two.post('/orders', chosen)).toMatchObject({
      status: 200,
      body: { id: chosen.id, number: chosen.number },
    });
  });

  it('pass on what can’t be translated, and report it', async () => {
    const { one, onNew } = around();
    const { status, body } = await one.post<LegacyRecord>('/orders', { ...ORDER, price: 0.123_456 });
    expect(status).toBe(201);
    expect(body.price).toBe(0.123_456);
    expect(await onNew(body.id)).toBeNull();
    const { body: found } = await one.get<{ items: { key: string; code: string }[] }>(
      '/v1/migration/mismatches?capability=writes',
    );
    expect(found.items).toContainEqual(expect.objectContaining({ key: body.id, code: 'not-a-plain-decimal' }));
  });

  it('do not go live before the gate is met, and name every condition', async () => {
    // A write that can't be translated is a mismatch.
    await around().one.post('/orders', { ...ORDER, price: 0.123_456 });
    const { status, body } = (await around().one.move('writes', 'live')) as unknown as Refused;
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'gate-not-met' });
    expect(conditionsOf(body.gate)).toEqual(['samples', 'mismatches', 'error-rate', 'p99', 'oldest-intent', 'verify']);
    expect(conditionsOf(body.state.capabilities.writes.gate)).toEqual(conditionsOf(body.gate));
    expect(body.state.capabilities.writes.stage).toBe('dualwrite');
  });
});

describe('the writes of the facade, in live', () => {
  const around = facadesIn('live');

  it('are answered by the new side, and the legacy system follows; a client reads its own writes on both', async () => {
    const { one, two } = around();
    for (const read of READS) await around().moved(read, 'shadow');
    const { capabilities } = await around().moved('writes', 'live', { percent: 50, force: true });
    expect(capabilities.writes).toMatchObject({ stage: 'live', percent: 50 });
    for (let at = 0; at < 12; at += 1) {
      const { status, body } = await one.post<LegacyRecord>('/orders', { ...ORDER, accountId: `acc-${at}` });
      expect(status).toBe(201);
      expect((await two.get(`/orders/${body.id}`)).body).toEqual(body);
      expect((await two.get(`/orders/range?start=${body.number}&end=${body.number}`)).body).toEqual([body]);
    }
    await around().drained();
    await around().moved('writes', 'live', { percent: 100, force: true });
  });

  it('while the new side hangs, keep an intent until its outcome is known, and lose nothing in a rollback', async () => {
    const { two, newSide, imitated, env, onLegacy, onNew } = around();
    // Only this instance gives up soon.
    const impatient = await RunningFacade.start('impatient', { ...env, NEW_SIDE_TIMEOUT_MS: '500' });
    const order = { ...ORDER, id: randomUUID() };
    newSide.answer(hanging);
    const unknown = await impatient.post<{ code: string }>('/orders', order);
    expect(unknown).toMatchObject({ status: 503, body: { code: 'outcome-unknown' } });
    await eventually('the intent has a reason', async () => {
      const { body } = await two.get<Pending>('/v1/migration/pending');
      return body.items.some(({ id, answering, reason }) => id === order.id && answering === 'new' && reason !== null);
    });
    await impatient.end();
    // The rollback is done at once; the bucket hands over once the intent is final.
    expect(await around().moved('writes', 'dualwrite')).toMatchObject({
      capabilities: { writes: { stage: 'dualwrite' } },
    });
    expect(await onLegacy(order.id)).toBeNull();
    newSide.answer(imitated.answer);
    await around().drained();
    expect(await onNew(order.id)).toMatchObject({ id: order.id });
    expect(await onLegacy(order.id)).toMatchObject({ id: order.id });
    expect(await two.post('/orders', order)).toMatchObject({ status: 200, body: await onLegacy(order.id) });
    await around().moved('writes', 'live', { percent: 100, force: true });
  });

  it('finish what a killed instance has begun, in time for a repeat, even if it was the outbox worker', async () => {
    const { one, two, newSide, imitated, onLegacy } = around();
    await around().makeWorker('two');
    newSide.answer(hanging);
    const order = { ...ORDER, id: randomUUID() };
    const lost = two.post('/orders', order).catch(() => undefined);
    await eventually(
      'it is admitted',
      async () => (await one.get<{ count: number }>('/v1/migration/pending')).body.count === 1,
    );
    await two.end('SIGKILL');
    await lost;
    await around().expireWorker();
    newSide.answer(imitated.answer);
    expect(await one.post('/orders', order)).toMatchObject({ status: 200, body: { id: order.id } });
    await around().drained();
    expect(await onLegacy(order.id)).toMatchObject({ id: order.id });
    const again = await around().restartTwo();
    expect(await again.post('/orders', order)).toMatchObject({ status: 200, body: { id: order.id } });
  });
});

describe('the writes of the facade, in complete', () => {
  const around = facadesIn('live');

  it('come there only last, with a verify, and for ever', async () => {
    const { one, two, onLegacy, onNew } = around();
    for (const read of READS) {
      await around().moved(read, 'shadow');
      await around().moved(read, 'live', { force: true });
      await around().moved(read, 'complete', { force: true });
    }
    expect(await one.move('writes', 'complete', { force: true })).toMatchObject(conflict('gate-not-met'));
    await around().verified();
    await around().moved('writes', 'complete', { force: true });
    const { body } = await two.post<LegacyRecord>('/orders', ORDER);
    expect(await onNew(body.id)).toMatchObject({ id: body.id });
    expect((await one.get(`/orders/${body.id}`)).body).toEqual(body);
    await around().drained();
    expect(await onLegacy(body.id)).toBeNull();
    expect(await one.post('/orders', { ...ORDER, price: 0.123_456 })).toMatchObject({
      status: 400,
      body: { code: 'not-a-plain-decimal', field: 'price' },
    });
    expect(await one.move('writes', 'live', { force: true })).toMatchObject(conflict('irreversible'));
  });
});
