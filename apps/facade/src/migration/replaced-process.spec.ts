import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { pino } from 'pino';
import { byCapability } from '../stages/capability.js';
import { NO_FIGURES } from '../stages/figures.js';
import { MigrationState } from '../state/migration-state.js';
import type { InstanceIdentity, MigrationStore } from '../state/migration-store.js';
import { MemoryBucketStore } from '../testing/memory-bucket-store.js';
import { MemoryMigrationStore } from '../testing/memory-migration-store.js';
import { MemoryNumberStore } from '../testing/memory-number-store.js';
import { LIMITS } from '../testing/simulated-world.js';
import { ChangeDriver } from './change-driver.js';
import { ChangeFacts } from './change-facts.js';
import { StageChanges } from './stage-changes.js';

const FIRST = { name: 'facade-1', process: 'first', place: 'one:3005' };
const HOUR_MS = 3_600_000;

describe('a process of the facade that was replaced', () => {
  let clock: ManualClock;
  let store: MemoryMigrationStore;
  let isCutOff: boolean;
  let changes: StageChanges;

  beforeEach(() => {
    clock = new ManualClock();
    store = new MemoryMigrationStore(clock);
    isCutOff = false;
    const buckets = new MemoryBucketStore(clock);
    const facts = new ChangeFacts(
      { read: async () => Promise.resolve(byCapability(() => NO_FIGURES)) },
      { last: async () => Promise.resolve(null) },
      buckets,
      LIMITS.gate,
    );
    const legacy = { post: async () => Promise.reject(new Error('not used')), highestNumber: async () => 41 };
    const driver = new ChangeDriver(store, buckets, new MemoryNumberStore(), legacy);
    changes = new StageChanges(store, driver, facts, clock, LIMITS.changeMs);
  });

  async function start(identity: InstanceIdentity, reached: MigrationStore = store): Promise<MigrationState> {
    const state = new MigrationState(reached, clock, identity, pino({ level: 'silent' }));
    state.start();
    await clock.advance(1_000);
    return state;
  }

  /** Starts a process that `isCutOff` cuts off from the store, and from nothing else. */
  async function startFirst(): Promise<MigrationState> {
    const read = async () => (isCutOff ? Promise.reject(new Error('no route')) : store.read());
    return start(FIRST, Object.assign(Object.create(store) as MemoryMigrationStore, { read }));
  }

  /** @returns the stage of writes, or the code of the refusal */
  async function leaveOff(): Promise<string> {
    const change = changes.request({ capability: 'writes', stage: 'dualwrite', reason: 'because' }, 'ada').then(
      ({ capabilities }) => capabilities.writes.stage,
      ({ code }: { readonly code: string }) => code,
    );
    await clock.advance(1_000);
    return change;
  }

  it('elsewhere, but still writes by what it knows, blocks the end of off until it stops to', async () => {
    const first = await startFirst();
    isCutOff = true;
    await start({ ...FIRST, process: 'second', place: 'two:3005' });
    await clock.advance(HOUR_MS - 60_000);
    expect(first.beginUnfenced()).toBeDefined();
    expect(await leaveOff()).toBe('instances-missing');
    await clock.advance(120_000);
    expect(first.beginUnfenced()).toBeUndefined();
    expect(await leaveOff()).toBe('dualwrite');
    expect((await store.instances()).map(({ process }) => process)).toEqual(['second']);
  });

  it('at its own address blocks nothing: it has ended', async () => {
    await startFirst();
    isCutOff = true;
    await clock.advance(60_000);
    await start({ ...FIRST, process: 'second' });
    expect(await leaveOff()).toBe('dualwrite');
  });
});
