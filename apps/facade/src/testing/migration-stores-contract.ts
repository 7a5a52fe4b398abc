import { beforeEach, describe, expect, it } from '@jest/globals';
import { auditEntry, type MigrationStore } from '../migration/migration-store.js';
import type { BucketStore, Bucket, Intent } from '../writes/bucket-store.js';
import { bucketOf, BUCKETS, type Fence } from '../stages/stages.js';
import type { NumberStore } from '../writes/number-blocks.js';
import { aLegacyOrder, idOf } from '#orders/testing/an-order.js';
import { anIntent } from './memory-stores.js';

const instance = (name: string, start: number, address = name) => ({ name, process: `${name}-${start}`, address });
const ENTRY = { at: new Date(1_000), by: 'ada', action: 'change', reason: 'because', revision: 2 } as const;

/** What each store of the state must do: a test of all implementations. @param create returns an empty one */
export function describeMigrationStore(name: string, create: () => Promise<MigrationStore>): void {
  describe(`${name} as a store of the state`, () => {
    let store: MigrationStore;

    beforeEach(async () => {
      store = await create();
    });

    it('begins with everything off, for all that read it first', async () => {
      const [one, two] = await Promise.all([store.read(), store.read()]);
      expect(one).toEqual(two);
      expect(one).toMatchObject({ revision: 1, hold: null, change: null, fence: null, legacyMayLag: false });
      expect(one.capabilities.writes).toMatchObject({ stage: 'off', percent: 100, version: 1 });
    });

    it('replaces only the newest revision, and audits exactly what was replaced', async () => {
      const before = await store.read();
      const hold = { by: 'ada', reason: 'pause', since: new Date(5_000) };
      const tries = ['one', 'two', 'three'].map(async (reason) =>
        store.replace({ ...before, revision: 2, hold: { ...hold, reason } }, auditEntry({ ...ENTRY, reason })),
      );
      const results = await Promise.all(tries);
      expect(results.filter(Boolean)).toHaveLength(1);
      const after = await store.read();
      expect(after).toEqual({ ...before, revision: 2, hold: { ...hold, reason: after.hold?.reason } });
      expect((await store.audit(10)).map(({ reason }) => reason)).toEqual([after.hold?.reason]);
      expect(await store.replace({ ...before, revision: 2 }, null)).toBe(false);
      expect(await store.replace({ ...after, revision: 3, hold: null }, null)).toBe(true);
    });

    it('lists the newest entries of the audit first, and all that they say', async () => {
      const gate = [{ condition: 'samples', wanted: 'at least 1', found: '0', holds: false }];
      const refusal = auditEntry({ ...ENTRY, at: new Date(2_000), action: 'refusal', code: 'gate-not-met', gate });
      const change = auditEntry(ENTRY);
      await store.append(change);
      await store.append(refusal);
      expect(await store.audit(10)).toEqual([refusal, change]);
      expect(await store.audit(1)).toEqual([refusal]);
    });

    it('knows the newest process of each name and address, and what it has applied', async () => {
      await store.register(instance('a', 1));
      expect(await store.acknowledge(instance('a', 1), 3)).toBe(true);
      await store.register(instance('a', 2));
      expect(await store.acknowledge(instance('a', 1), 4)).toBe(false);
      await store.register(instance('b', 1));
      expect((await store.instances()).map(({ process, revision }) => [process, revision])).toEqual([
        ['a-2', 0],
        ['b-1', 0],
      ]);
      await store.deregister('a-1');
      await store.deregister('b-1');
      expect((await store.instances()).map(({ name: each }) => each)).toEqual(['a']);
      expect(await store.acknowledge(instance('b', 1), 4)).toBe(false);
    });

    it('keeps a process that another one of its name elsewhere follows: it may be cut off, and still serve clients', async () => {
      await store.register(instance('a', 1));
      await store.acknowledge(instance('a', 1), 3);
      await store.register(instance('a', 2, 'another host'));
      const found = await store.instances();
      expect(found.map(({ name: each, process, revision }) => `${each} ${process} ${revision}`).toSorted()).toEqual([
        'a a-1 3',
        'a a-2 0',
      ]);
      expect(await store.acknowledge(instance('a', 1), 4)).toBe(true);
    });
  });
}

const FENCE: Fence = { epoch: 5, period: 5, stage: 'dualwrite', percent: 100 };
const ACCOUNT = bucketOf('acc-1');

/** What each store of the buckets must do. @param create returns an empty one */
export function describeBucketStore(name: string, create: () => Promise<BucketStore>): void {
  describe(`${name} as a store of buckets`, () => {
    let store: BucketStore;

    beforeEach(async () => {
      store = await create();
    });

    async function admit(number: number, change: Partial<Intent> = {}, limits = {}, epoch = 5): Promise<Bucket | null> {
      return store.admit({
        bucket: ACCOUNT,
        epoch,
        intent: anIntent(number, change),
        maxOpen: 3,
        maxAgeMs: 60_000,
        ...limits,
      });
    }

    async function open(): Promise<number[]> {
      return (await store.read(ACCOUNT)).open.map(({ order }) => order.legacy.number);
    }

    it('admits nothing before the first fence', async () => {
      expect(await admit(1, {}, {}, 0)).toBeNull();
      expect(await store.read(ACCOUNT)).toMatchObject({ mode: 'closed', open: [] });
    });

    it('counts the writes of a bucket, and returns them as they were admitted', async () => {
      await store.raise(FENCE);
      const admitted = await Promise.all([
        admit(1),
        admit(2, { order: { ...aLegacyOrder({ number: 2 }), symbol: '$quantity' } }),
      ]);
      expect(new Set(admitted.map((bucket) => bucket?.open.at(-1)?.seq))).toEqual(new Set([1, 2]));
      const { open: intents, mode } = await store.read(ACCOUNT);
      expect(mode).toBe('dualwrite');
      expect(intents.find(({ order }) => order.legacy.number === 2)).toMatchObject({
        epoch: 5,
        order: { ...aLegacyOrder({ number: 2 }), symbol: '$quantity' },
        legacy: 'open',
        new: 'open',
        attempts: 0,
        lastError: null,
      });
    });

    it('admits only under its epoch, and only once all older intents are closed', async () => {
      await store.raise(FENCE);
      await admit(1);
      await store.raise({ ...FENCE, epoch: 6, stage: 'live' });
      expect(await admit(2)).toBeNull();
      expect(await admit(2, {}, {}, 6)).toBeNull();
      await store.update([{ bucket: ACCOUNT, seq: 1, close: true }]);
      expect(await admit(2)).toBeNull();
      expect(await admit(2, {}, {}, 6)).toMatchObject({ mode: 'live' });
    });

    it('admits no open id or number twice, not too many, and none behind an old one', async () => {
      await store.raise(FENCE);
      await admit(1);
      const { id } = aLegacyOrder({ number: 1 });
      expect(await admit(2, { order: { ...aLegacyOrder({ number: 2 }), id } })).toBeNull();
      expect(
        await admit(2, { order: { ...aLegacyOrder({ number: 2 }), legacy: { number: 1, filled: [] } } }),
      ).toBeNull();
      expect(await admit(2, {}, { maxAgeMs: -1 })).toBeNull();
      await admit(2);
      await admit(3);
      expect(await admit(4)).toBeNull();
      expect(await open()).toEqual([1, 2, 3]);
    });

    it('stores what is known of each intent, also late and twice', async () => {
      await store.raise(FENCE);
      await admit(1);
      await admit(2);
      const place = { bucket: ACCOUNT, seq: 1 };
      await store.update([
        { ...place, legacy: 'stored' },
        { ...place, error: 'time-out' },
      ]);
      await store.update([{ ...place, new: 'readable' }]);
      await store.update([
        { ...place, new: 'sent' },
        { ...place, seq: 2, close: true },
        { ...place, seq: 2, close: true },
      ]);
      await store.update([
        { ...place, seq: 2, legacy: 'stored' },
        { ...place, seq: 99, error: 'gone' },
      ]);
      await store.update([]);
      const { open: intents } = await store.read(ACCOUNT);
      expect(intents).toHaveLength(1);
      expect(intents[0]).toMatchObject({
        seq: 1,
        legacy: 'stored',
        new: 'readable',
        attempts: 1,
        lastError: 'time-out',
      });
    });

    it('finds open intents by id and by number', async () => {
      await store.raise(FENCE);
      for (const number of [10, 20, 30]) await admit(number);
      const found = async (asked: Parameters<BucketStore['findOpen']>[0]): Promise<number[]> =>
        (await store.findOpen(asked)).map(({ number }) => number);
      expect(await found({ id: idOf(20) })).toEqual([20]);
      expect(await found({ from: 11, to: 30 })).toEqual([20, 30]);
      expect(await found({ from: 21, to: 29 })).toEqual([]);
      expect((await store.openBuckets()).map(({ bucket }) => bucket)).toEqual([ACCOUNT]);
      await store.update([{ bucket: ACCOUNT, seq: 2, new: 'readable' }]);
      const states = (await store.openIn([ACCOUNT, ACCOUNT + 1])).map(({ bucket, seq, new: other }) => [
        bucket,
        seq,
        other,
      ]);
      expect(states).toEqual([
        [ACCOUNT, 1, 'open'],
        [ACCOUNT, 2, 'readable'],
        [ACCOUNT, 3, 'open'],
      ]);
    });

    it('raises all buckets to the mode of their number, and never back', async () => {
      await store.raise({ ...FENCE, percent: 50 });
      const modes = await Promise.all(
        [0, 511, 512, BUCKETS - 1].map(async (bucket) => (await store.read(bucket)).mode),
      );
      expect(modes).toEqual(['dualwrite', 'dualwrite', 'legacy-only', 'legacy-only']);
      await store.raise({ ...FENCE, epoch: 4, stage: 'off' });
      expect(await store.read(0)).toMatchObject({ epoch: 5, mode: 'dualwrite' });
      await store.raise({ ...FENCE, epoch: 7, stage: 'off' });
      expect(await store.read(0)).toMatchObject({ epoch: 7, period: 5, mode: 'closed' });
    });
  });
}

/** What each store of numbers must do. @param create returns an empty one */
export function describeNumberStore(name: string, create: () => Promise<NumberStore>): void {
  describe(`${name} as a store of numbers`, () => {
    it('gives each number once, above the highest one', async () => {
      const store = await create();
      await store.raiseAbove(100);
      const firsts = await Promise.all(Array.from({ length: 5 }, async () => store.take(10)));
      expect(new Set(firsts)).toEqual(new Set([101, 111, 121, 131, 141]));
      await store.raiseAbove(50);
      expect(await store.take(10)).toBe(151);
    });

    it('reserves a chosen number for one order, unless an instance may assign it', async () => {
      const store = await create();
      await store.raiseAbove(100);
      await store.take(10);
      expect(await store.choose(105, 'x')).toBe(false);
      const both = await Promise.all([store.choose(500, 'x'), store.choose(500, 'y')]);
      expect(both.filter(Boolean)).toHaveLength(1);
      expect(await store.choose(500, both[0] ? 'x' : 'y')).toBe(true);
      expect(await store.choose(7, 'z')).toBe(true);
      const chosen = await store.chosen(1, 600);
      expect([chosen.has(7), chosen.has(500), chosen.has(8)]).toEqual([true, true, false]);
    });
  });
}
