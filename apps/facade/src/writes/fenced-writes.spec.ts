import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Admission } from '../intents/admission.js';
import { AnsweringWrite } from '../intents/answering-write.js';
import { NumberBlocks } from '../intents/number-blocks.js';
import { bucketOf } from '../stages/buckets.js';
import { MemoryBucketStore } from '../testing/memory-bucket-store.js';
import { MemoryNumberStore } from '../testing/memory-number-store.js';
import { orderWith } from '../testing/one-order.js';
import { SimulatedSide } from '../testing/simulated-side.js';
import { FencedWrites } from './fenced-writes.js';

const zone = new LegacyTimeZone('UTC');
const ACCOUNT = 'acc-1';

/** The writes of one instance in `dualwrite`, without an outbox worker: its lease may be that of a dead instance for seconds. */
async function aloneInDualwrite() {
  const clock = new ManualClock();
  const store = new MemoryBucketStore(clock);
  await store.raise({ epoch: 1, period: 1, stage: 'dualwrite', percent: 100 });
  const numbers = new MemoryNumberStore();
  const legacy = new SimulatedSide('legacy', clock, () => 0, 0);
  const created = new SimulatedSide('new', clock, () => 0, 0);
  const sides = { legacy, new: created };
  const stored = {
    find: async (side: keyof typeof sides, read: Parameters<SimulatedSide['find']>[0]) => sides[side].find(read),
  };
  const observer = { observed: () => undefined };
  const admission = new Admission(store, new NumberBlocks(numbers, 10), clock, 'b', { maxOpen: 100, maxAgeMs: 10_000 });
  const writes = new FencedWrites({
    admission,
    answering: new AnsweringWrite(sides, stored, zone, observer, () => clock.now()),
    repairAfterMs: 2_000,
    store,
    numbers,
    zone,
    clock,
    randomId: () => orderWith(99).id,
    logger: { warn: () => undefined },
  });
  return { clock, store, legacy, writes };
}

/** Admits an order as an instance that is killed before it has written it. */
async function admittedByTheDead(store: MemoryBucketStore, number = 1): Promise<void> {
  const intent = {
    order: orderWith(number, ACCOUNT),
    isIdGiven: true,
    isNumberGiven: false,
    answering: 'legacy',
    legacy: 'open',
    new: 'open',
    instance: 'a',
  } as const;
  await store.admit({ bucket: bucketOf(ACCOUNT), epoch: 1, intent, maxOpen: 100, maxAgeMs: 10_000 });
}

describe('writes while another instance is dead', () => {
  it('answer a repeat of its write within 2 s, and not with an unknown outcome', async () => {
    const { clock, store, legacy, writes } = await aloneInDualwrite();
    await admittedByTheDead(store);
    const { legacy: _number, ...request } = orderWith(1, ACCOUNT);
    const answer = writes.post(request, clock.now() + 2_000, new AbortController().signal);
    await clock.advance(2_500);
    expect(await answer).toMatchObject({ status: 200 });
    expect([...legacy.accepted.keys()]).toEqual([request.id]);
  });

  it('store the writes of an account in their order, whichever of them is repeated', async () => {
    const { clock, store, legacy, writes } = await aloneInDualwrite();
    await admittedByTheDead(store, 1);
    await admittedByTheDead(store, 2);
    const { legacy: _number, ...request } = orderWith(2, ACCOUNT);
    const answer = writes.post(request, clock.now() + 2_000, new AbortController().signal);
    await clock.advance(2_500);
    expect(await answer).toMatchObject({ status: 200 });
    expect([...legacy.accepted.keys()]).toEqual([orderWith(1).id, request.id]);
  });

  it('store a later write of the same account behind it', async () => {
    const { clock, store, legacy, writes } = await aloneInDualwrite();
    await admittedByTheDead(store);
    const { legacy: _number, ...request } = orderWith(2, ACCOUNT);
    const answer = writes.post(request, clock.now() + 2_000, new AbortController().signal);
    await clock.advance(2_500);
    expect(await answer).toMatchObject({ status: 201 });
    expect([...legacy.accepted.keys()]).toEqual([orderWith(1).id, request.id]);
  });

  it('get an unknown outcome while the answering side is away too', async () => {
    const { clock, store, legacy, writes } = await aloneInDualwrite();
    await admittedByTheDead(store);
    legacy.mood = 'away';
    const { legacy: _number, ...request } = orderWith(2, ACCOUNT);
    const answer = writes.post(request, clock.now() + 2_000, new AbortController().signal);
    await clock.advance(5_000);
    expect(await answer).toMatchObject({ status: 503, body: expect.stringContaining('outcome-unknown') });
  });
});
