import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { bucketOf, byCapability, type Capability } from '../stages/stages.js';
import { ChangeRefusal, type ChangeRequest } from '../stages/change-rules.js';
import { NO_FIGURES, type Figures, type VerifyResult, type RollbackDecision } from '../stages/gate.js';
import {
  anIntent,
  readsAt,
  snapshotAt,
  MemoryBucketStore,
  MemoryMigrationStore,
  MemoryNumberStore,
} from '../testing/memory-stores.js';
import { LIMITS } from '../testing/simulated-world.js';
import { MigrationState } from './migration-state.js';
import type { InstanceIdentity, MigrationStore } from './migration-store.js';
import { ChangeDriver, ChangeFacts, StageChanges, RollbackWatch } from './stage-changes.js';

const ACCOUNT = bucketOf('acc-1');
const A = { name: 'a', process: 'a-1', address: 'one:3005' };

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
    const legacy = {
      post: async () => Promise.reject(new Error('not used')),
      highestNumber: async () => highest ?? Promise.reject(new Error('the legacy system is unavailable')),
    };
    const ports = {
      store,
      buckets,
      numbers,
      legacy,
      clock,
      figures: async () => byCapability(() => figures),
      lastVerify: async () => lastVerify,
      limits: { ...LIMITS, GATE_MIN_SAMPLES: 10, GATE_MAX_ERROR_RATE: 0.1 },
    };
    changes = new StageChanges(ports, new ChangeDriver(ports), new ChangeFacts(ports));
  });

  /** Puts the migration at some stages, with open buckets. */
  async function at(places: Parameters<typeof snapshotAt>[0]): Promise<void> {
    const snapshot = { ...snapshotAt(places), revision: 2 };
    await store.replace(snapshot, null);
    if (snapshot.fence !== null) await buckets.raise(snapshot.fence);
  }

  async function admit(change: Parameters<typeof anIntent>[1] = {}): Promise<void> {
    const { epoch } = await buckets.read(ACCOUNT);
    await buckets.admit({ bucket: ACCOUNT, epoch, intent: anIntent(7, change), maxOpen: 9, maxAgeMs: 9_999 });
  }

  /** @returns what the change led to: the stage of the capability, or the code of the refusal */
  function request(change: Partial<ChangeRequest> = {}): Promise<string> {
    const capability = (change.capability ?? 'writes') as Capability;
    return changes.request({ capability, stage: 'dualwrite', reason: 'because', ...change }, 'ada').then(
      ({ capabilities }) => `${capabilities[capability].stage} ${capabilities[capability].percent}`,
      (error: unknown) => {
        if (error instanceof ChangeRefusal) return error.code;
        throw error;
      },
    );
  }

  /** Requests a change, and passes some time. */
  async function requestWithin(milliseconds: number, change: Partial<ChangeRequest> = {}): Promise<string> {
    const requested = request(change);
    await clock.advance(milliseconds);
    return requested;
  }

  /** Starts what a process of the facade knows. */
  async function start(identity: InstanceIdentity, reached: MigrationStore): Promise<MigrationState> {
    const state = new MigrationState({ store: reached, clock, identity, logger: pino({ level: 'silent' }) });
    state.start();
    await clock.advance(1_000);
    return state;
  }

  async function audited(): Promise<string[]> {
    return (await store.audit(10)).toReversed().map(({ action, by, code = '' }) => `${action} by ${by} ${code}`.trim());
  }

  it('leave off once each instance has acknowledged, with numbers above the highest', async () => {
    await store.register(A);
    await store.acknowledge(A, 1);
    const change = request();
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
    expect(await requestWithin(LIMITS.CHANGE_LIMIT_MS + 100)).toBe('not-acknowledged');
    expect(await store.read()).toMatchObject({ change: null, fence: null, capabilities: { writes: { stage: 'off' } } });
    expect(await audited()).toEqual(['change by ada', 'abandoned by ada', 'refusal by ada not-acknowledged']);
  });

  it('are abandoned when the legacy system does not say its highest number', async () => {
    highest = undefined;
    expect(await requestWithin(LIMITS.CHANGE_LIMIT_MS + 100)).toBe('not-acknowledged');
  });

  it('need each instance that is registered, unless force removes it', async () => {
    await store.register(A);
    await clock.advance(5_001);
    expect(await request()).toBe('instances-missing');
    expect(await requestWithin(100, { force: true })).toBe('dualwrite 100');
    expect(await store.instances()).toEqual([]);
  });

  it('enter off only when the legacy system has all orders, and the target gets its own later', async () => {
    await at({ writes: ['dualwrite'] });
    await admit();
    const change = request({ stage: 'off' });
    await clock.advance(1_000);
    expect(await store.read()).toMatchObject({ change: { step: 'drain' } });
    await buckets.update([{ bucket: ACCOUNT, seq: 1, legacy: 'stored' }]);
    await clock.advance(100);
    expect(await change).toBe('off 100');
    expect(await buckets.openBuckets()).toHaveLength(1);
  });

  it('open the buckets again when they can not be drained', async () => {
    await at({ writes: ['dualwrite', 70] });
    await admit();
    expect(await requestWithin(LIMITS.CHANGE_LIMIT_MS + 100, { stage: 'off' })).toBe('not-drained');
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
    const complete = { stage: 'complete', force: true };
    await at({ writes: ['live'], ...readsAt('complete') });
    expect(await request(complete)).toBe('gate-not-met');
    lastVerify = { startedAt: new Date(0), differences: 0 };
    await admit();
    expect(await requestWithin(6_000, complete)).toBe('gate-not-met');
    const waiting = request(complete);
    await clock.advance(1_000);
    await buckets.update([{ bucket: ACCOUNT, seq: 1, close: true }]);
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
    expect(await request()).toBe('held');
    const decision = 'roll-back' as const;
    const rollback = { capability: 'read-by-id', stage: 'shadow', cause: 'mismatches: 1', decision } as const;
    await expect(changes.rollBack(rollback)).rejects.toMatchObject({ code: 'held' });
    await changes.hold(false, 'done', 'ada');
    await changes.rollBack(rollback);
    await settle();
    expect((await store.read()).capabilities['read-by-id']).toMatchObject({ stage: 'shadow', cause: 'mismatches: 1' });
    expect(await audited()).toEqual(['hold by ada', 'refusal by ada held', 'release by ada', 'rollback by facade']);
  });

  it('clear that the legacy system may lag only when it has all that the target answered', async () => {
    await at({ writes: ['live'] });
    await store.replace({ ...(await store.read()), revision: 3, legacyMayLag: true }, null);
    await admit({ answering: 'new' });
    expect(await requestWithin(500)).toBe('dualwrite 100');
    expect((await store.read()).legacyMayLag).toBe(true);
    await buckets.update([{ bucket: ACCOUNT, seq: 1, close: true }]);
    expect(await request()).toBe('unchanged');
  });

  describe('beside a process of the facade that was replaced', () => {
    const HOUR_MS = 3_600_000;
    let isCutOff: boolean;
    let first: MigrationState;

    /** Starts the first process, which `isCutOff` cuts off from the store, and from nothing else. */
    beforeEach(async () => {
      isCutOff = false;
      const read = async () => (isCutOff ? Promise.reject(new Error('no route')) : store.read());
      first = await start(A, Object.assign(Object.create(store) as MemoryMigrationStore, { read }));
      isCutOff = true;
    });

    it('wait while it may still write elsewhere by what it knows', async () => {
      await start({ ...A, process: 'a-2', address: 'two:3005' }, store);
      await clock.advance(HOUR_MS - 60_000);
      expect(first.beginUnfenced()).toBeDefined();
      expect(await requestWithin(1_000)).toBe('instances-missing');
      await clock.advance(120_000);
      expect(first.beginUnfenced()).toBeUndefined();
      expect(await requestWithin(1_000)).toBe('dualwrite 100');
      expect((await store.instances()).map(({ process }) => process)).toEqual(['a-2']);
    });

    it('do not wait for one at the same address: it has ended', async () => {
      await clock.advance(60_000);
      await start({ ...A, process: 'a-2' }, store);
      expect(await requestWithin(1_000)).toBe('dualwrite 100');
    });
  });
});

describe('RollbackWatch', () => {
  let clock: ManualClock;
  let store: MemoryMigrationStore;
  let figures: Figures;
  let isHeld: boolean;
  let isLegacyUnavailable: boolean;
  let rolledBack: string[];
  let watch: RollbackWatch;

  beforeEach(async () => {
    clock = new ManualClock();
    store = new MemoryMigrationStore(clock);
    await store.replace(
      { ...snapshotAt({ writes: ['dualwrite'], ...readsAt('shadow'), 'read-by-id': ['live'] }), revision: 2 },
      null,
    );
    figures = NO_FIGURES;
    isHeld = false;
    isLegacyUnavailable = false;
    rolledBack = [];
    const rollBack = async ({ capability, stage, cause }: Extract<RollbackDecision, { decision: 'roll-back' }>) => {
      if (isHeld) throw new ChangeRefusal('held', 'the migration is held');
      rolledBack.push(`${capability} to ${stage}: ${cause}`);
      return Promise.resolve();
    };
    const facts = { figuresOf: async () => Promise.resolve(byCapability(() => figures)) };
    const logger = pino({ level: 'silent' });
    const limits = { ...LIMITS, ROLLBACK_MAX_ERROR_RATE: 0.05 };
    const ports = { store, limits, clock, logger, isLegacyUnavailable: () => isLegacyUnavailable };
    watch = new RollbackWatch(ports, facts, { rollBack });
  });

  async function requests(count: number, failed: number): Promise<void> {
    const { requests: before, failures } = figures;
    figures = {
      ...figures,
      requests: { ...before, new: before.new + count },
      failures: { ...failures, new: failures.new + failed },
    };
    await clock.advance(500);
    await watch.check();
  }

  it('goes back when the requests of the last 5 s fail, however many succeeded before', async () => {
    await requests(1_000_000, 0);
    await requests(50, 2);
    expect(rolledBack).toEqual([]);
    await requests(50, 4);
    expect(rolledBack).toEqual(['read-by-id to shadow: error rate of the target: 6 of 100 requests failed']);
  });

  it('forgets failures after 5 s', async () => {
    await requests(1_000, 0);
    await requests(100, 5);
    await clock.advance(6_000);
    await requests(100, 5);
    expect(rolledBack).toEqual([]);
  });

  it('alerts once a minute, and audits it, while the migration is held or the legacy system is unavailable', async () => {
    isHeld = true;
    await requests(100, 50);
    await requests(100, 50);
    isHeld = false;
    isLegacyUnavailable = true;
    await requests(100, 50);
    expect(rolledBack).toEqual([]);
    expect(await store.audit(10)).toEqual([
      expect.objectContaining({
        action: 'alert',
        by: 'facade',
        capability: 'read-by-id',
        reason: expect.stringContaining('the migration is held'),
      }),
    ]);
    await clock.advance(60_000);
    await requests(100, 50);
    expect((await store.audit(10))[0]?.reason).toContain('the legacy system is unavailable');
  });
});
