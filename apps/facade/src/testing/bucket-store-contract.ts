import { beforeEach, describe, expect, it } from '@jest/globals';
import type { BucketStore } from '../intents/bucket-store.js';
import type { Bucket, Intent } from '../intents/intent.js';
import { bucketOf, BUCKETS } from '../stages/buckets.js';
import type { Fence } from '../stages/migration-snapshot.js';
import { intentWith, orderWith } from './one-order.js';

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
        intent: intentWith(number, change),
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
      const admitted = await Promise.all([admit(1), admit(2, { order: { ...orderWith(2), symbol: '$quantity' } })]);
      expect(new Set(admitted.map((bucket) => bucket?.open.at(-1)?.seq))).toEqual(new Set([1, 2]));
      const { open: intents, mode } = await store.read(ACCOUNT);
      expect(mode).toBe('dualwrite');
      expect(intents.find(({ order }) => order.legacy.number === 2)).toMatchObject({
        epoch: 5,
        order: { ...orderWith(2), symbol: '$quantity' },
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
      const { id } = orderWith(1);
      expect(await admit(2, { order: { ...orderWith(2), id } })).toBeNull();
      expect(await admit(2, { order: { ...orderWith(2), legacy: { number: 1, filled: [] } } })).toBeNull();
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
      expect(await found({ id: orderWith(20).id })).toEqual([20]);
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

    it('raises all buckets to the mode of their place, and never back', async () => {
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
