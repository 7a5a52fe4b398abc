import { describe, expect, it } from '@jest/globals';
import type { OperationDocument } from '#orders/operation/operation.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { HeldLease } from './held-lease.js';
import { LeaseLostError, matchField } from './lease.js';

const NOW = new Date('2026-06-15T12:00:00Z');
const PLACE = { path: 'reading', match: matchField('reading'), find: () => undefined };

/** Holds a lease in a database that answers each update with `stored`; `null` means that nothing matched. */
function holdLease(stored: Partial<OperationDocument> | null, claimed: Partial<OperationDocument> = {}) {
  const updates: object[] = [];
  const collection = {
    findOneAndUpdate: async (filter: object, { $set }: { $set: object }) => {
      updates.push(filter, $set);
      return Promise.resolve(stored);
    },
  };
  const mongo = { db: { collection: () => collection }, time: { now: () => NOW } } as unknown as Mongo;
  const operation = { _id: 'x', ...claimed } as OperationDocument;
  return { updates, lease: new HeldLease(mongo, PLACE, 'me', { operation, part: { epoch: 3 } }) };
}

describe('HeldLease', () => {
  it('writes only under its owner and epoch, and renews for 10 s by the clock of MongoDB', async () => {
    const { updates, lease } = holdLease({ status: 'running' });
    await lease.renew({ count: 1 });
    expect(updates).toEqual([
      { _id: 'x', status: { $in: ['running', 'failed'] }, 'reading.epoch': 3, 'reading.lease.owner': 'me' },
      { count: 1, 'reading.lease': { owner: 'me', expiresAt: new Date('2026-06-15T12:00:10Z') } },
    ]);
    expect(lease.over.aborted).toBe(false);
  });

  it('ends the work when a write finds that the lease is lost', async () => {
    const { lease } = holdLease(null);
    await expect(lease.update({ count: 1 })).rejects.toBeInstanceOf(LeaseLostError);
    expect(lease.over.aborted).toBe(true);
  });

  it.each<[Partial<OperationDocument>, claimed: Partial<OperationDocument>, isOver: boolean]>([
    [{ interruption: 'pause' }, {}, true],
    [{ interruption: 'cancel' }, { interruption: 'cancel' }, false],
    [{ interruption: null }, { interruption: 'cancel' }, false],
    [{ status: 'failed' }, {}, true],
  ])('given %j, claimed with %j, ends the work: %s', async (stored, claimed, isOver) => {
    const { lease } = holdLease(stored, claimed);
    await lease.renew();
    expect(lease.over.aborted).toBe(isOver);
  });
});
