import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { timeLimit } from '#orders/time-limit.js';
import { type SideName, SideUnavailableError } from '../apps/facade/src/sides/side.js';
import type { Sides } from '../apps/facade/src/sides/sides.js';
import { sidesBetween, describeWrittenSide, someOrder } from '../apps/facade/src/testing/written-side-contract.js';
import { eventually } from './support/eventually.js';
import { NOWHERE, ZONE, FakeTarget, ScriptedSide } from './support/facade-stack.js';
import { RunningLegacy } from './support/started-app.js';

const { signal } = new AbortController();
const BOTH: readonly SideName[] = ['legacy', 'new'];

describe('the sides of the facade', () => {
  let folder: string;
  let legacy: RunningLegacy;
  let scripted: ScriptedSide;
  const fake = new FakeTarget();
  const opened: Sides[] = [];
  let sides: Sides;
  let unavailable: Sides;

  function open(
    LEGACY_URL: string,
    targetUrl: string,
    change: Partial<Parameters<typeof sidesBetween>[0]> = {},
  ): Sides {
    const each = sidesBetween({ LEGACY_URL, targetUrl, zone: ZONE, ...change });
    opened.push(each);
    return each;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-facade-sides-'));
    legacy = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE: ZONE.name });
    scripted = await ScriptedSide.start(fake.answer);
    sides = open(legacy.url, scripted.url);
    unavailable = open(NOWHERE, NOWHERE);
  });

  afterEach(() => scripted.answer(fake.answer));

  afterAll(async () => {
    await Promise.all(opened.map(async (each) => each.close()));
    scripted.close();
    await legacy.end();
    await rm(folder, { recursive: true, force: true });
  });

  describeWrittenSide('the real legacy system', () => ({
    side: sides.answering.legacy,
    unavailable: unavailable.answering.legacy,
  }));
  describeWrittenSide('the target', () => ({ side: sides.answering.new, unavailable: unavailable.answering.new }));

  it('the legacy system gets exactly the order: a repeat by another client is the same order', async () => {
    const order = someOrder({ price: 1_873_450n });
    await sides.answering.legacy.write([order], signal);
    expect((await legacy.get(`/orders/${order.id}`)).body).toMatchObject({
      id: order.id,
      number: order.legacy.number,
      price: 187.345,
      createdAt: ZONE.toLocal(order.createdAt),
    });
  });

  it('the legacy system refuses other content under the same id, and a number in use', async () => {
    const order = someOrder();
    await sides.answering.legacy.write([order], signal);
    const other = { ...order, symbol: 'EVEN' };
    const number = someOrder({ legacy: order.legacy });
    expect(await sides.answering.legacy.write([other, number], signal)).toEqual([
      expect.objectContaining({
        result: 'refused',
        status: 409,
        code: 'legacy-409',
        message: expect.stringMatching(/symbol$/),
      }),
      expect.objectContaining({ result: 'refused', status: 409, message: `number ${order.legacy.number} is in use` }),
    ]);
  });

  it('reads the orders of either side in the form of the legacy system', async () => {
    const order = someOrder();
    const { number } = order.legacy;
    for (const side of BOTH) await sides.answering[side].write([order], signal);
    const unknown = { capability: 'read-by-id', id: someOrder().id } as const;
    const reads = [
      { capability: 'read-by-id', id: order.id },
      { capability: 'read-by-range', start: number, end: number },
      unknown,
    ] as const;
    const expected = [(await legacy.get(`/orders/${order.id}`)).body];
    for (const read of reads)
      for (const side of BOTH)
        expect(await sides.answering[side].find(read, signal)).toEqual(read === unknown ? [] : expected);
    scripted.answer(() => ({ body: '[{"id": "a"}]' }));
    const wrong = open(scripted.url, NOWHERE).answering.legacy;
    await expect(wrong.find(unknown, signal)).rejects.toThrow('no orders');
  });

  it('says of a million numbers whether either side has an order with one of them', async () => {
    const order = someOrder({ legacy: { number: 700_000_001, filled: [] } });
    for (const side of BOTH) await sides.answering[side].write([order], signal);
    const readersOf = [({ answering }: Sides) => answering.legacy, ({ answering }: Sides) => answering.new.reads];
    for (const readerOf of readersOf) {
      const isEmptyUpTo = async (to: number, of: Sides) => readerOf(of).isEmpty({ from: 699_500_000, to }, signal);
      expect(await isEmptyUpTo(700_500_000, sides)).toBe(false);
      expect(await isEmptyUpTo(700_000_000, sides)).toBe(true);
      await expect(isEmptyUpTo(700_000_000, unavailable)).rejects.toThrow(SideUnavailableError);
    }
  });

  it('an order that the legacy system can not hold is refused without asking it', async () => {
    const exact = someOrder({ quantity: 10_000, price: 10n ** 18n - 1n });
    expect(await sides.answering.legacy.write([exact], signal)).toEqual([
      expect.objectContaining({ result: 'refused', code: 'not-exact-as-float', status: 400 }),
    ]);
  });

  it('after an unknown outcome, later orders of the same account are not sent, and those of others are', async () => {
    const [first, second] = [someOrder({ accountId: 'acc-1' }), someOrder({ accountId: 'acc-1' })];
    const third = someOrder({ accountId: 'acc-2' });
    scripted.answer(({ body }) => (body.includes(first.id) ? 'disconnect' : { status: 201, body: '{}' }));
    const outcomes = await open(scripted.url, NOWHERE).answering.legacy.write([first, second, third], signal);
    expect(outcomes.map(({ result }) => result)).toEqual(['unknown', 'unknown', 'stored']);
    expect(scripted.requests.some(({ body }) => body.includes(second.id))).toBe(false);
  });

  it.each([
    ...[408, 429, 500, 503, 401, 404].map((status) => [`status ${status}`, { status, body: '{}' }, /status/] as const),
    ['no answer until the time-out', 'hang', /time-out/],
  ] as const)('%s says nothing about the order: it may still be stored', async (_what, answer, message) => {
    scripted.answer(() => answer);
    const timeoutMs = answer === 'hang' ? 100 : 60_000;
    const { answering } = open(scripted.url, scripted.url, {
      LEGACY_TIMEOUT_MS: timeoutMs,
      NEW_SIDE_TIMEOUT_MS: timeoutMs,
    });
    const unknown = { result: 'unknown', message: expect.stringMatching(message) };
    for (const side of BOTH) expect(await answering[side].write([someOrder()], signal)).toEqual([unknown]);
  });

  it('the target gets arrays of 1,000 at most; after an unknown outcome nothing more is sent', async () => {
    const orders = Array.from({ length: 2_001 }, () => someOrder());
    const inSecond = orders[1_000]?.id ?? '';
    scripted.answer((request) => (request.body.includes(inSecond) ? 'disconnect' : fake.answer(request)));
    const outcomes = await sides.answering.new.write(orders, signal);
    expect(outcomes.map(({ result }) => result)).toEqual([
      ...Array.from({ length: 1_000 }, () => 'stored'),
      ...Array.from({ length: 1_001 }, () => 'unknown'),
    ]);
    const arrays = scripted.requests.filter(({ method }) => method === 'POST');
    expect(arrays.map(({ body }) => (JSON.parse(body) as unknown[]).length)).toEqual([1_000, 1_000]);
  });

  it('a refusal of the target that names no order is found by halving', async () => {
    const orders = Array.from({ length: 9 }, () => someOrder());
    const inUse = someOrder();
    fake.save(inUse);
    const sent = orders.with(4, someOrder({ legacy: inUse.legacy }));
    const outcomes = await sides.answering.new.write(sent, signal);
    expect(outcomes[4]).toEqual({ result: 'refused', code: 'number-in-use', message: 'number in use', status: 409 });
    expect(outcomes.filter(({ result }) => result === 'stored')).toHaveLength(8);
  });

  it('an accepted order that became a dead letter is refused, whichever purpose wrote it', async () => {
    const clock = new ManualClock();
    const { answering, outbox } = open(NOWHERE, scripted.url, { clock });
    const [lost, late] = [someOrder(), someOrder()];
    await answering.new.write([lost, late], signal);
    const { number } = fake.orderOf(lost.id) as { readonly number: number };
    for (const { id } of [lost, late]) fake.forget(id);
    scripted.answer((request) =>
      request.path.startsWith('/v1/dead-letters/records?operationId=a&state=pending')
        ? { body: JSON.stringify({ items: [{ number: null }, { number }], page: { size: 100 } }) }
        : fake.answer(request),
    );
    const states = async () => outbox.new.areReadable([lost.id, late.id], signal);
    expect(await states()).toEqual(['not-yet', 'not-yet']);
    await clock.advance(timeLimit(5_000));
    expect(await states()).toEqual(['refused', 'not-yet']);
    fake.save(lost);
    expect(await states()).toEqual(['readable', 'not-yet']);
  });

  it('stops asking a side that does not answer, and asks again after a pause', async () => {
    scripted.answer(() => 'disconnect');
    const broken = open(scripted.url, NOWHERE);
    const ask = async () => broken.answering.legacy.areReadable([someOrder().id], signal);
    for (let at = 0; at < 10; at += 1) await expect(ask()).rejects.toThrow(/no-connection/);
    await expect(ask()).rejects.toThrow(/breaker-open/);
    expect(broken.breakers.filter(({ isOpen }) => isOpen())).toEqual([
      expect.objectContaining({ side: 'legacy', purpose: 'answering' }),
    ]);
    const asked = scripted.requests.length;
    await expect(ask()).rejects.toThrow(/breaker-open/);
    expect(scripted.requests).toHaveLength(asked);
    scripted.answer(() => ({ body: 'null' }));
    await eventually('it asks again', async () =>
      ask().then(
        () => true,
        () => false,
      ),
    );
    expect(broken.breakers.some(({ isOpen }) => isOpen())).toBe(false);
  });
});
