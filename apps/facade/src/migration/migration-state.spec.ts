import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { bucketOf, type MigrationSnapshot } from '../stages/stages.js';
import { readsAt, snapshotAt, MemoryMigrationStore } from '../testing/memory-stores.js';
import { MigrationState, StateUnknownError } from './migration-state.js';

const LOGGER = pino({ level: 'silent' });
const A = { name: 'a', process: 'a-1', address: 'one:3005' };

/** A store that can be unavailable: its calls then reject. */
class FlakyStore extends MemoryMigrationStore {
  isAway = false;
  reads = 0;

  override async read(): Promise<MigrationSnapshot> {
    this.reads += 1;
    if (this.isAway) throw new Error('no primary');
    return super.read();
  }
}

describe('MigrationState', () => {
  let clock: ManualClock;
  let store: FlakyStore;
  let state: MigrationState;

  beforeEach(async () => {
    clock = new ManualClock();
    store = new FlakyStore(clock);
    state = new MigrationState({ store, clock, identity: A, logger: LOGGER });
    state.start();
    await settle();
  });

  async function change(snapshot: Partial<MigrationSnapshot>): Promise<void> {
    const before = await store.read();
    await store.replace({ ...before, ...snapshot, revision: before.revision + 1 }, null);
  }

  async function acknowledged(): Promise<number | undefined> {
    return (await store.instances()).find(({ name }) => name === 'a')?.revision;
  }

  it('registers, and acknowledges what it has applied', async () => {
    expect(await acknowledged()).toBe(1);
    await change({});
    await clock.advance(500);
    expect(await acknowledged()).toBe(2);
    await state.stop();
    expect(await store.instances()).toEqual([]);
  });

  it('knows the state for 2 s since the request that fetched it began, and then rejects', async () => {
    store.isAway = true;
    await clock.advance(1_999);
    expect((await state.current()).revision).toBe(1);
    await clock.advance(1);
    await expect(state.current()).rejects.toBeInstanceOf(StateUnknownError);
    store.isAway = false;
    expect((await state.current()).revision).toBe(1);
  });

  it('goes on with reads of the legacy system without MongoDB, unless it may lag', async () => {
    await change(snapshotAt({ writes: ['dualwrite'], 'read-by-id': ['shadow'], 'read-by-page': ['live'] }));
    await clock.advance(500);
    store.isAway = true;
    await clock.advance(60_000);
    expect(await state.stageOf('read-by-id', 'x')).toEqual({ stage: 'shadow', version: 7 });
    await expect(state.stageOf('read-by-page', 'read-by-page:1')).rejects.toBeInstanceOf(StateUnknownError);
    store.isAway = false;
    await change({ legacyMayLag: true });
    await clock.advance(4_000);
    store.isAway = true;
    await clock.advance(3_000);
    await expect(state.stageOf('read-by-id', 'x')).rejects.toBeInstanceOf(StateUnknownError);
  });

  it('gives each key the stage of its bucket', async () => {
    await change(snapshotAt({ writes: ['dualwrite'], ...readsAt('live', 50) }));
    await clock.advance(500);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const stages = await Promise.all(keys.map(async (key) => (await state.stageOf('read-by-id', key)).stage));
    expect(stages).toEqual(keys.map((key) => (bucketOf(key) < 512 ? 'live' : 'shadow')));
    expect(new Set(stages).size).toBe(2);
  });

  it('knows that reads are not compared any more before it acknowledges the end of it', async () => {
    await change(snapshotAt({ writes: ['live'], ...readsAt('live') }));
    await clock.advance(500);
    expect(state.isCompared('read-by-id', 'x')).toBe(true);
    await change(snapshotAt({ writes: ['live'], ...readsAt('complete') }));
    await clock.advance(1_500);
    const { revision } = await store.read();
    expect(await acknowledged()).toBe(revision);
    expect(state.isCompared('read-by-id', 'x')).toBe(false);
  });

  it('trusts no comparison without the state', () => {
    const other = new MigrationState({ store, clock, identity: { ...A, name: 'b' }, logger: LOGGER });
    expect(other.isCompared('read-by-id', 'x')).toBe(false);
  });

  it('acknowledges the end of off only after its writes of off have ended', async () => {
    const end = state.beginUnfenced();
    await change({ fence: { epoch: 2, period: 2, stage: 'dualwrite', percent: 100 } });
    await clock.advance(1_500);
    expect(state.beginUnfenced()).toBeUndefined();
    expect(await acknowledged()).toBe(1);
    end?.();
    await settle();
    expect(await acknowledged()).toBe(2);
  });

  it('goes on with writes of off without MongoDB', async () => {
    store.isAway = true;
    await clock.advance(60_000);
    expect(state.beginUnfenced()).toBeDefined();
  });

  it('acts on nothing that it has acknowledged more than an hour ago: changes are made without it then', async () => {
    store.isAway = true;
    await clock.advance(3_590_000);
    expect(state.beginUnfenced()).toBeDefined();
    expect(await state.stageOf('read-by-id', 'x')).toMatchObject({ stage: 'off' });
    await clock.advance(10_000);
    expect(state.beginUnfenced()).toBeUndefined();
    await expect(state.stageOf('read-by-id', 'x')).rejects.toBeInstanceOf(StateUnknownError);
    store.isAway = false;
    await clock.advance(1_000);
    expect(state.beginUnfenced()).toBeDefined();
  });

  it('trusts nothing that it knows once it was removed from the registry, and registers again', async () => {
    await store.deregister('a-1');
    store.isAway = true;
    await clock.advance(1_000);
    store.isAway = false;
    await clock.advance(500);
    expect(state.beginUnfenced()).toBeUndefined();
    await clock.advance(500);
    expect(await acknowledged()).toBe(1);
    expect(state.beginUnfenced()).toBeDefined();
  });

  it('asks once for all requests that wait', async () => {
    await clock.advance(400);
    store.isAway = true;
    await clock.advance(2_000);
    store.isAway = false;
    const { reads } = store;
    await Promise.all([state.current(), state.current(), state.current()]);
    expect(store.reads).toBe(reads + 1);
  });
});
