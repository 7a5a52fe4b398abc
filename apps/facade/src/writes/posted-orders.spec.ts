import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { aLegacyOrder, idOf } from '#orders/testing/an-order.js';
import { MemoryNumberStore, anIntent, MemoryBucketStore } from '../testing/memory-stores.js';
import type { WriteReports } from '../migration/migration-ports.js';
import { bucketOf } from '../stages/stages.js';
import { LIMITS, SimulatedSide } from '../testing/simulated-world.js';
import type { ForwardedRequest, LegacyAnswer, LegacyPort } from '../sides/legacy-answers.js';
import { SideUnavailableError } from '../sides/side.js';
import { NumberBlocks } from './number-blocks.js';
import { FencedWrites } from './fenced-writes.js';
import { UnfencedWrites } from './posted-orders.js';

async function take(blocks: NumberBlocks, count: number, period = 1): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, async () => blocks.take(period)));
}

describe('NumberBlocks', () => {
  it('assigns each number once, above the highest one, by several instances at once', async () => {
    const store = new MemoryNumberStore();
    await store.raiseAbove(100);
    const [one, two] = [new NumberBlocks(store, 3), new NumberBlocks(store, 3)];
    const numbers = [...(await take(one, 4)), ...(await take(two, 4)), ...(await take(one, 3))];
    expect(new Set(numbers).size).toBe(11);
    expect(Math.min(...numbers)).toBe(101);
  });

  it('leaves out numbers that clients have chosen', async () => {
    const store = new MemoryNumberStore();
    expect(await store.choose(2, 'x')).toBe(true);
    expect(await take(new NumberBlocks(store, 4), 3)).toEqual([1, 3, 4]);
    expect(await store.choose(3, 'y')).toBe(false);
  });

  it('begins a new block after off: the legacy system has assigned numbers meanwhile', async () => {
    const store = new MemoryNumberStore();
    const blocks = new NumberBlocks(store, 10);
    expect(await take(blocks, 2)).toEqual([1, 2]);
    await store.raiseAbove(50);
    expect(await take(blocks, 2, 7)).toEqual([51, 52]);
  });
});

/**
 * The writes of one instance in `dualwrite`, beside one that is killed after it has admitted orders and before it has written them. There is
 * no outbox worker: its lease may be that of the dead instance for seconds.
 */
async function besideTheDead(admitted: readonly number[]) {
  const clock = new ManualClock();
  const store = new MemoryBucketStore(clock);
  await store.raise({ epoch: 1, period: 1, stage: 'dualwrite', percent: 100 });
  for (const number of admitted)
    await store.admit({
      bucket: bucketOf('acc-1'),
      epoch: 1,
      intent: anIntent(number, { isIdGiven: true }),
      maxOpen: 9,
      maxAgeMs: 10_000,
    });
  const numbers = new MemoryNumberStore();
  const legacy = new SimulatedSide('legacy', clock, () => 0, 0);
  const sides = { legacy, new: new SimulatedSide('new', clock, () => 0, 0) };
  const ports = {
    buckets: store,
    numbers,
    sides: { answering: sides, outbox: sides },
    reports: { observed: () => undefined } as unknown as WriteReports,
    zone: new LegacyTimeZone('UTC'),
    clock,
    randomId: () => idOf(99),
    identity: { name: 'b', process: 'b-1', address: 'b' },
    limits: LIMITS,
    logger: pino({ level: 'silent' }),
  };
  const writes = new FencedWrites(ports, new NumberBlocks(numbers, 10));
  const post = async (number: number) => {
    const { legacy: _, ...request } = aLegacyOrder({ number });
    const answer = writes.post(request, clock.now() + 2_000, new AbortController().signal);
    await clock.advance(5_000);
    return answer;
  };
  return { legacy, post };
}

describe('writes while another instance is dead', () => {
  it.each([
    ['answer a repeat of its write, and not with an unknown outcome', [1], 1, 200],
    ['store the writes of an account in their order, whichever of them is repeated', [1, 2], 2, 200],
    ['store a later write of the same account behind it', [1], 2, 201],
  ])('%s', async (_what, admitted, posted, status) => {
    const { legacy, post } = await besideTheDead(admitted);
    expect(await post(posted)).toMatchObject({ status });
    expect([...legacy.accepted.keys()]).toEqual([...new Set([...admitted, posted])].map(idOf));
  });

  it('get an unknown outcome while the primary is unavailable too', async () => {
    const { legacy, post } = await besideTheDead([1]);
    legacy.behaviour = 'unavailable';
    expect(await post(2)).toMatchObject({ status: 503, body: expect.stringContaining('outcome-unknown') });
  });
});

const ANSWER: LegacyAnswer = { status: 201, headers: {}, body: '{"number":1}' };

/** A legacy system that answers with one outcome after another. */
class ScriptedLegacy implements LegacyPort {
  readonly bodies: string[] = [];

  constructor(private readonly outcomes: (LegacyAnswer | Error)[]) {}

  async post({ body }: ForwardedRequest): Promise<LegacyAnswer> {
    this.bodies.push(body);
    const outcome = this.outcomes.shift() ?? ANSWER;
    if (outcome instanceof Error) throw outcome;
    return Promise.resolve(outcome);
  }

  async highestNumber(): Promise<number> {
    return Promise.resolve(0);
  }
}

async function postUnfenced(body: string, ...outcomes: (LegacyAnswer | Error)[]) {
  const clock = new ManualClock();
  const legacy = new ScriptedLegacy(outcomes);
  let ends = 0;
  const writes = new UnfencedWrites({ legacy, clock, random: () => 0, randomId: () => 'id-1' });
  const answer = await writes.post({ path: '/orders', headers: {}, body }, () => (ends += 1));
  await settle();
  return { clock, bodies: legacy.bodies, answer, ends: () => ends };
}

describe('writes of off', () => {
  it('add an id, leave all else as it came, and return the answer unchanged', async () => {
    const { bodies, answer, ends } = await postUnfenced(' {"price": 1e308,"x":0.10}');
    expect(bodies).toEqual([' {"id":"id-1","price": 1e308,"x":0.10}']);
    expect(answer).toBe(ANSWER);
    expect(ends()).toBe(1);
  });

  it.each(['{"id":"own"}', '{}', '[]', 'null', '{"half', ''])('leave %s as it is', async (body) => {
    expect((await postUnfenced(body)).bodies).toEqual([body]);
  });

  it('repeat a write without an answer under the same id, and end it once the outcome is known', async () => {
    const busy = { ...ANSWER, status: 503 };
    const { clock, bodies, answer, ends } = await postUnfenced(
      '{"a":1}',
      new Error('time-out'),
      new Error('time-out'),
      busy,
    );
    expect(answer.status).toBe(503);
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'outcome-unknown', statusCode: 503 });
    expect(ends()).toBe(0);
    await clock.advance(500);
    expect(ends()).toBe(0);
    await clock.advance(10_000);
    expect(ends()).toBe(1);
    expect(new Set(bodies)).toEqual(new Set(['{"id":"id-1","a":1}']));
    expect(bodies).toHaveLength(4);
  });

  it('do not repeat a write that was not sent', async () => {
    const { clock, bodies, answer, ends } = await postUnfenced(
      '{"a":1}',
      new SideUnavailableError('legacy', 'breaker-open', 'it is unavailable'),
    );
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'legacy-away', statusCode: 503 });
    expect(ends()).toBe(1);
    await clock.advance(10_000);
    expect(bodies).toHaveLength(1);
  });
});
