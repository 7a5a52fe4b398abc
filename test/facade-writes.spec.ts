import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import type { MigrationResponse } from '../apps/facade/src/migration/migration-api.js';
import { FacadeStack } from './support/facade-stack.js';
import type { RunningFacade } from './support/started-app.js';

const ORDER = { ...anIntakeOrder(), price: 187.35 };
/** Has no exact translation. */
const ODD_ORDER = { ...ORDER, price: 0.123_456 };
const NO_ANSWER = ({ method }: { readonly method: string }) =>
  method === 'POST' ? 'hang' : ({ status: 404, body: '{}' } as const);

interface Refusal {
  readonly code: string;
  readonly state: MigrationResponse;
  readonly gate?: readonly { readonly condition: string }[];
}

const conflict = (code: string) => ({ status: 409, body: { code } });

/** Returns what only a change changes: measured figures and the instances' heartbeats arrive at any time. */
function decided({ revision, hold, change, capabilities }: MigrationResponse): unknown {
  const places = Object.values(capabilities).map(({ stage, percent, version, since }) => [
    stage,
    percent,
    version,
    since,
  ]);
  return { revision, hold, change, places };
}

/** Posts an order that is accepted. */
async function posted(facade: RunningFacade, order: object = ORDER): Promise<LegacyRecord> {
  const { status, body } = await facade.post<LegacyRecord>('/orders', order);
  expect(status).toBe(201);
  return body;
}

describe('the writes of the facade', () => {
  let stack: FacadeStack;
  let one: RunningFacade;
  let two: RunningFacade;

  /** Two facades for the cases of a `describe`. */
  function betweenBothSides(stage: 'off' | 'dualwrite' | 'live'): void {
    beforeAll(async () => {
      stack = await FacadeStack.start();
      ({ one } = stack);
      two = await stack.facade('two');
      if (stage !== 'off') await stack.writesAt(stage);
    });
    afterAll(async () => stack.end());
  }

  describe('on the way from off to complete', () => {
    betweenBothSides('off');

    it('are read at once by any facade, and go to the sides of their stage', async () => {
      const readBack = async ({ id, number, ...order }: LegacyRecord): Promise<void> => {
        expect((await two.get(`/orders/${id}`)).body).toEqual({ id, number, ...order });
        const range = await two.get(`/orders/range?start=${number}&end=${number}`);
        expect(range.body).toEqual([{ id, number, ...order }]);
      };
      const first = await posted(one);
      expect(first).toMatchObject({ ...ORDER, amount: 562.05 });
      await readBack(first);
      expect(await stack.onLegacy(first.id)).toEqual(first);
      const bad = '{"accountId": "acc-1", "price": 1e308, "odd": 1}';
      expect(await one.post('/orders', bad)).toEqual(await stack.legacy.post('/orders', bad));
      expect(await two.post('/populate?count=1500')).toMatchObject({
        status: 201,
        body: { first: first.number + 1, last: first.number + 1_500 },
      });
      expect((await one.state()).capabilities.writes).toMatchObject({ stage: 'off', percent: 100, pendingIntents: 0 });

      await stack.writesAt('dualwrite');
      await stack.readsAt('shadow');
      const second = await posted(two);
      await readBack(second);
      expect(await stack.onLegacy(second.id)).toEqual(second);
      await stack.pendingIs(0);
      expect(stack.fake.orderOf(second.id)).toMatchObject({ price: '187.3500', legacy: { number: second.number } });
      expect((await one.post('/populate?count=1')).status).toBe(409);

      const { capabilities } = await stack.moved('writes', 'live', { percent: 50, force: true });
      expect(capabilities.writes).toMatchObject({ stage: 'live', percent: 50 });
      for (let at = 0; at < 12; at += 1) await readBack(await posted(one, { ...ORDER, accountId: `acc-${at}` }));
      await stack.moved('writes', 'live', { force: true });
      const third = await posted(two);
      await readBack(third);
      await stack.pendingIs(0);
      expect(await stack.onLegacy(third.id)).toEqual(third);

      await stack.readsAt('complete');
      const complete = { force: true };
      expect(await one.move('writes', 'complete', complete)).toMatchObject(conflict('gate-not-met'));
      await stack.verified();
      await stack.moved('writes', 'complete', complete);
      const last = await posted(two);
      expect(stack.fake.orderOf(last.id)).toMatchObject({ id: last.id });
      expect((await one.get(`/orders/${last.id}`)).body).toEqual(last);
      await stack.pendingIs(0);
      expect(await stack.onLegacy(last.id)).toBeNull();
      expect(await one.post('/orders', ODD_ORDER)).toMatchObject({
        status: 400,
        body: { code: 'not-a-plain-decimal', field: 'price' },
      });
      expect(await one.move('writes', 'live', { force: true })).toMatchObject(conflict('irreversible'));
    });
  });

  describe('in dualwrite', () => {
    betweenBothSides('dualwrite');

    it('accept a repeat under the same id from any instance, at the same time too, and no other content', async () => {
      const order = { ...ORDER, id: randomUUID() };
      const answers = await Promise.all([one, two, one, two].map(async (each) => each.post('/orders', order)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      await stack.pendingIs(0);
      expect(await two.post('/orders', order)).toEqual({ ...answers[0], status: 200 });
      const other = await one.post('/orders', { ...order, quantity: 4 });
      expect(other).toMatchObject({ status: 409, body: { statusCode: 409, code: 'order-conflict' } });
    });

    it('follow the legacy system’s rule for a number that the client chooses', async () => {
      const { number } = await posted(one);
      expect(await one.post('/orders', { ...ORDER, number })).toMatchObject({ status: 409 });
      const chosen = { ...ORDER, id: randomUUID(), number: number + 50_000 };
      expect(await posted(one, chosen)).toMatchObject({ number: chosen.number });
      expect(await two.post('/orders', { ...ORDER, number: chosen.number })).toMatchObject(conflict('number-in-use'));
      await stack.pendingIs(0);
      const { id } = chosen;
      expect(await two.post('/orders', chosen)).toMatchObject({ status: 200, body: { id, number: chosen.number } });
    });

    it('pass on what can’t be translated, and report it', async () => {
      const { id, price } = await posted(one, ODD_ORDER);
      expect(price).toBe(ODD_ORDER.price);
      expect(stack.fake.orderOf(id)).toBeNull();
      const { body: found } = await one.get<{ items: object[] }>('/v1/migration/mismatches?capability=writes');
      expect(found.items).toContainEqual(expect.objectContaining({ key: id, code: 'not-a-plain-decimal' }));
    });

    it('do not go live before the gate is met, and name every condition', async () => {
      const { status, body } = (await one.move('writes', 'live')) as unknown as { status: number; body: Refusal };
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'gate-not-met' });
      const conditions = ['samples', 'mismatches', 'error-rate', 'p99', 'oldest-intent', 'verify'];
      const { stage, gate } = body.state.capabilities.writes;
      for (const each of [body.gate, gate]) expect(each?.map(({ condition }) => condition)).toEqual(conditions);
      expect(stage).toBe('dualwrite');
    });

    it('are waited for by a read that asks for them', async () => {
      await stack.readsAt('live');
      stack.target.answer((request) => (request.path === '/v1/orders' ? 'hang' : stack.fake.answer(request)));
      const order = await posted(one);
      let read = two.get(`/orders/${order.id}`);
      stack.target.answer(stack.fake.answer);
      while ((await read).status === 503) read = two.get(`/orders/${order.id}`);
      expect((await read).body).toEqual(order);
    });

    it('a wrong change is refused with the whole state, changes nothing, and is audited', async () => {
      const before = decided(await one.state());
      const cases: [string, number, () => Promise<unknown>][] = [
        ['version-conflict', 409, async () => two.move('writes', 'live', { version: 9 })],
        ['unknown-capability', 400, async () => one.move('deletes', 'live')],
        ['bad-percent', 400, async () => one.move('writes', 'live', { percent: 101 })],
        ['invalid-request', 400, async () => one.post('/v1/migration/writes', { stage: 7, other: 1 })],
      ];
      for (const [code, status, request] of cases) {
        const { body, ...refused } = (await request()) as { readonly status: number; readonly body: Refusal };
        expect({ code: body.code, status: refused.status }).toEqual({ code, status });
        expect(decided(body.state)).toEqual(before);
      }
      const { body } = await two.get<{ items: { action: string; code?: string }[] }>('/v1/migration/audit');
      const audited = body.items.slice(0, 3).map((entry) => entry.code);
      // The entries of two facades, by their clocks.
      expect(new Set(audited)).toEqual(new Set(['bad-percent', 'unknown-capability', 'version-conflict']));
    });

    it('a hold blocks every change, from any instance', async () => {
      await one.post('/v1/migration/hold', { held: true, reason: 'audit week' });
      const state = { hold: { reason: 'audit week' } };
      expect(await two.move('writes', 'live')).toMatchObject({ status: 409, body: { code: 'held', state } });
      await two.post('/v1/migration/hold', { held: false, reason: 'done' });
    });
  });

  describe('in live', () => {
    betweenBothSides('live');

    it('finish what a killed instance has begun, in time for a repeat, even if it was the outbox worker', async () => {
      await stack.makeWorker('two');
      stack.target.answer(NO_ANSWER);
      const order = { ...ORDER, id: randomUUID() };
      const lost = two.post('/orders', order).catch(() => undefined);
      await stack.pendingIs(1);
      const pending = [{ id: order.id, answering: 'new', legacy: 'open', new: 'open' }];
      expect((await one.get('/v1/migration/pending')).body).toMatchObject({ items: pending });
      await two.end('SIGKILL');
      await lost;
      await stack.expireWorker();
      stack.target.answer(stack.fake.answer);
      expect(await one.post('/orders', order)).toMatchObject({ status: 200, body: { id: order.id } });
      await stack.pendingIs(0);
      expect(await stack.onLegacy(order.id)).toMatchObject({ id: order.id });
      const again = await stack.facade('two');
      expect(await again.post('/orders', order)).toMatchObject({ status: 200, body: { id: order.id } });
    });
  });
});
