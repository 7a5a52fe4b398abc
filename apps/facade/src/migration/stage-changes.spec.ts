import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { bucketOf } from '../stages/buckets.js';
import { byCapability, type Capability, type Stage } from '../stages/capability.js';
import { ChangeRefusal } from '../stages/change-refusal.js';
import type { ChangeRequest } from '../stages/changes.js';
import { NO_FIGURES, type Figures } from '../stages/figures.js';
import type { VerifyResult } from '../stages/gate.js';
import { MemoryBucketStore } from '../testing/memory-bucket-store.js';
import { MemoryMigrationStore } from '../testing/memory-migration-store.js';
import { MemoryNumberStore } from '../testing/memory-number-store.js';
import { intentWith } from '../testing/one-order.js';
import { readsAt, snapshotAt } from '../testing/snapshots.js';
import type { LegacyPort } from '../writes/legacy-port.js';
import { ChangeDriver } from './change-driver.js';
import { ChangeFacts } from './change-facts.js';
import { StageChanges } from './stage-changes.js';

const LIMITS = {
  minSamples: 10,
  maxMismatches: 0,
  maxErrorRate: 0.1,
  p99Factor: 1.5,
  p99FloorMs: 50,
  maxIntentAgeMs: 10_000,
};
const LIMIT_MS = 4_000;
const A = { name: 'a', process: 'a-1', place: 'one:3005' };

describe('changes of stages', () => {
  let clock: ManualClock;
  let store: MemoryMigrationStore;
  let buckets: MemoryBucketStore;
  let numbers: MemoryNumberStore;
  let changes: StageChanges;
  let figures: Figures;
  let lastVerify: VerifyResult | null;
  let highest: number | undefined;

  beforeEach(() => {
    clock = new ManualClock();
    store = new MemoryMigrationStore(clock);
    buckets = new MemoryBucketStore(clock);
    numbers = new MemoryNumberStore();
    figures = NO_FIGURES;
    lastVerify = null;
    highest = 41;
    const legacy: LegacyPort = {
      post: async () => Promise.reject(new Error('not used')),
      highestNumber: async () => {
        if (highest === undefined) throw new Error('the legacy system is away');
        return Promise.resolve(highest);
      },
    };
    const facts = new ChangeFacts(
      { read: async () => Promise.resolve(byCapability(() => figures)) },
      { last: async () => Promise.resolve(lastVerify) },
      buckets,
      LIMITS,
    );
    changes = new StageChanges(store, new ChangeDriver(store, buckets, numbers, legacy), facts, clock, LIMIT_MS);
  });

  /** Puts the migration at some stages, with open buckets. */
  async function at(places: Partial<Record<Capability, readonly [Stage, number?]>>): Promise<void> {
    const snapshot = { ...snapshotAt(places), revision: 2 };
    await store.replace(snapshot, null);
    if (snapshot.fence !== null) await buckets.raise(snapshot.fence);
  }

  /** Admits an order. */
  async function admit(number: number): Promise<void> {
    const { epoch } = await buckets.read(bucketOf('acc-1'));
    await buckets.admit({ bucket: bucketOf('acc-1'), epoch, intent: intentWith(number), maxOpen: 9, maxAgeMs: 9_999 });
  }

  /** @returns what the change led to: the stage of the capability, or the code of the refusal */
  function request(change: Partial<ChangeRequest>): Promise<string> {
    const capability = (change.capability ?? 'writes') as Capability;
    return changes
      .request({ capability, stage: 'dualwrite', reason: 'because', ...change }, 'ada')
      .then(({ capabilities }) => `${capabilities[capability].stage} ${capabilities[capability].percent}`)
      .catch((error: unknown) => {
        if (error instanceof ChangeRefusal) return error.code;
        throw error;
      });
  }

  async function audited(): Promise<string[]> {
    return (await store.audit(10)).toReversed().map(({ action, by, code = '' }) => `${action} by ${by} ${code}`.trim());
  }

  it('leave off once each instance has acknowledged, with numbers above the highest', async () => {
    await store.register(A);
    await store.acknowledge(A, 1);
    const change = request({});
    await clock.advance(1_000);
    expect(await store.read()).toMatchObject({ change: { step: 'acknowledge' }, fence: null });
    expect((await buckets.read(0)).mode).toBe('closed');
    await store.acknowledge(A, 2);
    await clock.advance(100);
    expect(await change).toBe('dualwrite 100');
    expect((await buckets.read(0)).mode).toBe('dualwrite');
    expect(await numbers.take(1)).toBe(42);
    expect(await audited()).toEqual(['change by ada', 'done by ada']);
  });

  it('are abandoned when an instance does not acknowledge in time', async () => {
    await store.register(A);
    const change = request({});
    await clock.advance(LIMIT_MS + 100);
    expect(await change).toBe('not-acknowledged');
    expect(await store.read()).toMatchObject({ change: null, fence: null, capabilities: { writes: { stage: 'off' } } });
    expect(await audited()).toEqual(['change by ada', 'abandoned by ada', 'refusal by ada not-acknowledged']);
  });

  it('are abandoned when the legacy system does not say its highest number', async () => {
    highest = undefined;
    const change = request({});
    await clock.advance(LIMIT_MS + 100);
    expect(await change).toBe('not-acknowledged');
  });

  it('need each instance that is registered, unless force removes it', async () => {
    await store.register(A);
    await clock.advance(5_001);
    expect(await request({})).toBe('instances-missing');
    const forced = request({ force: true });
    await clock.advance(100);
    expect(await forced).toBe('dualwrite 100');
    expect(await store.instances()).toEqual([]);
  });

  it('enter off only when the legacy system has all orders, and the new side gets its own later', async () => {
    await at({ writes: ['dualwrite'] });
    await admit(7);
    const change = request({ stage: 'off' });
    await clock.advance(1_000);
    expect(await store.read()).toMatchObject({ change: { step: 'drain' } });
    await buckets.update([{ bucket: bucketOf('acc-1'), seq: 1, legacy: 'stored' }]);
    await clock.advance(100);
    expect(await change).toBe('off 100');
    expect(await buckets.openBuckets()).toHaveLength(1);
  });

  it('open the buckets again when they can not be drained', async () => {
    await at({ writes: ['dualwrite', 70] });
    await admit(7);
    const change = request({ stage: 'off' });
    await clock.advance(LIMIT_MS + 100);
    expect(await change).toBe('not-drained');
    expect(await store.read()).toMatchObject({ capabilities: { writes: { stage: 'dualwrite', percent: 70 } } });
    expect((await buckets.read(0)).mode).toBe('dualwrite');
  });

  it('refuse what the gate does not allow, with every condition, and audit it', async () => {
    await at({ writes: ['dualwrite'], ...readsAt('shadow') });
    expect(await request({ capability: 'read-by-id', stage: 'live' })).toBe('gate-not-met');
    const [entry] = await store.audit(1);
    expect(entry?.gate?.map(({ condition, holds }) => `${condition} ${holds}`)).toEqual([
      'samples false',
      'mismatches true',
      'error-rate true',
      'p99 true',
      'oldest-intent true',
      'verify false',
    ]);
    expect((await store.read()).revision).toBe(2);
    expect(await request({ capability: 'read-by-id', stage: 'live', force: true })).toBe('live 100');
    expect((await store.audit(1))[0]).toMatchObject({ isForced: true, reason: 'because', from: 'shadow at 100 %' });
    figures = { ...NO_FIGURES, samples: 10 };
    lastVerify = { startedAt: new Date(0), differences: 0 };
    expect(await request({ capability: 'read-by-page', stage: 'live' })).toBe('live 100');
  });

  it('let writes be complete only with a verify and without open intents, by force too', async () => {
    await at({ writes: ['live'], ...readsAt('complete') });
    expect(await request({ stage: 'complete', force: true })).toBe('gate-not-met');
    lastVerify = { startedAt: new Date(0), differences: 0 };
    await admit(7);
    const blocked = request({ stage: 'complete', force: true });
    await clock.advance(6_000);
    expect(await blocked).toBe('gate-not-met');
    const waiting = request({ stage: 'complete', force: true });
    await clock.advance(1_000);
    await buckets.update([{ bucket: bucketOf('acc-1'), seq: 1, close: true }]);
    await clock.advance(100);
    expect(await waiting).toBe('complete 100');
  });

  it('let one of two win that come at once', async () => {
    await at({ writes: ['dualwrite'] });
    const both = [request({ percent: 50 }), request({ percent: 60 })];
    await clock.advance(1_000);
    const results = await Promise.all(both);
    expect(results.filter((result) => result.startsWith('dualwrite'))).toHaveLength(1);
    expect(results).toContain('version-conflict');
  });

  it('are held for people and for the facade itself', async () => {
    await at({ writes: ['live'], ...readsAt('live') });
    await changes.hold(true, 'audit week', 'ada');
    expect(await request({ stage: 'dualwrite' })).toBe('held');
    const rollback = {
      capability: 'read-by-id',
      stage: 'shadow',
      cause: 'mismatches: 1',
      decision: 'roll-back',
    } as const;
    await expect(changes.rollBack(rollback)).rejects.toMatchObject({ code: 'held' });
    await changes.hold(false, 'done', 'ada');
    await changes.rollBack(rollback);
    await settle();
    expect((await store.read()).capabilities['read-by-id']).toMatchObject({ stage: 'shadow', cause: 'mismatches: 1' });
    expect(await audited()).toEqual(['hold by ada', 'refusal by ada held', 'release by ada', 'rollback by facade']);
  });

  it('clear that the legacy system may lag only when it has all that the new side answered', async () => {
    await at({ writes: ['live'] });
    await store.replace({ ...(await store.read()), revision: 3, legacyMayLag: true }, null);
    const { epoch } = await buckets.read(bucketOf('acc-1'));
    const intent = intentWith(7, { answering: 'new' });
    await buckets.admit({ bucket: bucketOf('acc-1'), epoch, intent, maxOpen: 9, maxAgeMs: 9_999 });
    const change = request({ stage: 'dualwrite' });
    await clock.advance(500);
    expect(await change).toBe('dualwrite 100');
    expect((await store.read()).legacyMayLag).toBe(true);
    await buckets.update([{ bucket: bucketOf('acc-1'), seq: 1, close: true }]);
    expect(await request({ stage: 'dualwrite' })).toBe('unchanged');
  });
});
