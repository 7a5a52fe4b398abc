import { beforeEach, describe, expect, it } from '@jest/globals';
import { SoleLease, type SoleLeaseDocument } from './lease.js';
import type { Mongo } from './mongo.js';
import { FakeLeases } from './testing/fake-leases.js';

const DURATION_MS = 15_000;

/** `stores.spec` runs the same on a real MongoDB. */
describe('a lease that one process holds', () => {
  let now: number;
  let leases: FakeLeases;

  beforeEach(() => {
    now = 1_000;
    leases = new FakeLeases();
  });

  function leaseOf(owner: string): SoleLease<SoleLeaseDocument> {
    const mongo = { db: { collection: () => leases }, time: { now: () => new Date(now) } } as unknown as Mongo;
    return new SoleLease(mongo, { collection: 'leases', id: 'one', owner, durationMs: DURATION_MS });
  }

  it('is not taken or renewed by another process before it has expired', async () => {
    await leaseOf('one').acquire();
    now += DURATION_MS - 1_000;
    expect([await leaseOf('other').acquire(), await leaseOf('other').renew()]).toEqual([null, null]);
    expect(leases.lease?.owner).toBe('one');
  });

  it('is taken once it has expired, and its first holder can neither renew nor release it', async () => {
    await leaseOf('one').acquire();
    now += DURATION_MS + 1;
    expect(await leaseOf('other').acquire()).toMatchObject({ owner: 'other' });
    expect(await leaseOf('one').renew()).toBeNull();
    await leaseOf('one').release();
    expect(leases.lease?.owner).toBe('other');
  });

  it('lasts as long again from each renewal, and is free at once after its release', async () => {
    await leaseOf('one').acquire();
    now += DURATION_MS - 1_000;
    await leaseOf('one').renew();
    now += DURATION_MS - 1_000;
    expect(await leaseOf('other').acquire()).toBeNull();
    await leaseOf('one').release();
    expect(await leaseOf('other').acquire()).toMatchObject({ owner: 'other' });
  });
});
