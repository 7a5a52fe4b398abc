import { Readable } from 'node:stream';
import { systemClock } from '@orders-pipeline/clock';
import { ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setInFlightOverride } from '#orders/consumer/consumers.js';
import type { IndexedCollection } from '#orders/database/indexes.js';
import { migrateDatabase } from '#service/mongodb/migrate-database.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { SoleLease, type SoleLeaseDocument } from '#service/mongodb/lease.js';
import { ExpansionRecord } from '../apps/admin/src/topics/expand-topics.js';
import { MongoAutoscalerStore } from '../apps/console/src/autoscaling/autoscaler-store.js';
import { itIsAnAutoscalerStore } from '../apps/console/src/autoscaling/testing/autoscaler-stores.js';
import { MongoDemoStore } from '../apps/console/src/scaling-demo/demo-store.js';
import { itIsADemoStore } from '../apps/console/src/scaling-demo/testing/demo-stores.js';
import { MongoBucketStore } from '../apps/facade/src/writes/bucket-store.js';
import { MongoNumberStore } from '../apps/facade/src/writes/number-blocks.js';
import { MongoMigrationStore } from '../apps/facade/src/migration/migration-store.js';
import { newProgress, VerificationRuns } from '../apps/facade/src/runs/verification.js';
import { ProducerList } from '../apps/producer/src/expansion/expansion-watch.js';
import { ByteBudget } from '../apps/producer/src/imports/incoming-files.js';
import { StagedFiles, requireStagingRoom } from '../apps/producer/src/imports/staged-files.js';
import { MongoIntakeStore } from '../apps/producer/src/order-api/intake-store.js';
import { itIsAnIntakeStore } from '../apps/producer/src/order-api/testing/intake-store.js';
import { emptyServers, type GivenServers } from './support/own-servers.js';
import { eventually } from './support/eventually.js';
import { Relay } from './support/relay.js';
import { PATIENT, runApp, RunningFacade } from './support/started-app.js';
import {
  describeBucketStore,
  describeMigrationStore,
  describeNumberStore,
} from '../apps/facade/src/testing/migration-stores-contract.js';

const REFUSED = { code: 2, stderr: expect.stringContaining('A migration from the legacy system is under way') };

let servers: GivenServers;
let uri: string;
let mongo: Mongo;

beforeAll(async () => {
  const given = await emptyServers();
  if (given === undefined) throw new Error('this project has shared servers');
  servers = given;
  uri = servers.MONGODB_URI;
  mongo = new Mongo(uri, 'orders-test');
});

afterAll(async () => mongo.client.close());

/** Empties the database. @param collections that get their indexes again */
async function emptied(...collections: IndexedCollection[]): Promise<Mongo> {
  await mongo.db.dropDatabase();
  await migrateDatabase(mongo.db, { collections });
  return mongo;
}

describeMigrationStore('MongoMigrationStore', async () => new MongoMigrationStore(await emptied('migrationAudit')));
describeBucketStore(
  'MongoBucketStore',
  async () => new MongoBucketStore(await emptied('migrationBuckets', 'migrationAudit')),
);
describeNumberStore('MongoNumberStore', async () => new MongoNumberStore(await emptied()));

describe('MongoIntakeStore', () => {
  itIsAnIntakeStore(async () => {
    await emptied('intakeBatches');
    return new MongoIntakeStore(mongo);
  });
});

describe('MongoDemoStore', () => {
  itIsADemoStore(
    async () => {
      await mongo.db.dropDatabase();
      return [new MongoDemoStore(mongo, 'one'), new MongoDemoStore(mongo, 'other')];
    },
    async (limit) => setInFlightOverride(mongo.db, limit),
  );
});

describe('MongoAutoscalerStore', () => {
  itIsAnAutoscalerStore(async () => {
    await emptied('autoscalerDecisions');
    return [new MongoAutoscalerStore(mongo, 'one'), new MongoAutoscalerStore(mongo, 'other')];
  });

  it('lets another process decide once the lease of a silent one has expired', async () => {
    await emptied();
    await new MongoAutoscalerStore(mongo, 'one').take();
    const policies = mongo.db.collection<{ _id: string; expiresAt: Date }>('autoscaler');
    const expired = await policies.updateOne({ _id: 'policy' }, { $set: { expiresAt: new Date(0) } });
    expect(expired.matchedCount).toBe(1);
    expect(await new MongoAutoscalerStore(mongo, 'other').take()).toEqual({ isHeld: true, stored: null });
  });
});

describe('SoleLease', () => {
  const place = { collection: 'adminLocks', id: crypto.randomUUID(), durationMs: 3_600_000 };
  const leaseOf = (owner: string): SoleLease<SoleLeaseDocument> => new SoleLease(mongo, { ...place, owner });

  it('belongs to one process, until that one releases it or is silent for too long', async () => {
    const [one, other] = [leaseOf('one'), leaseOf('other')];
    expect(await other.renew()).toBeNull();
    expect(await one.acquire()).toMatchObject({ owner: 'one' });
    expect([await other.acquire(), await other.renew()]).toEqual([null, null]);
    await other.release();
    expect(await one.renew()).toMatchObject({ owner: 'one' });
    await one.release();
    expect(await other.acquire()).toMatchObject({ owner: 'other' });
    expect(await one.renew()).toBeNull();
    const stored = mongo.db.collection<SoleLeaseDocument>('adminLocks');
    await stored.updateOne({ _id: place.id }, { $set: { expiresAt: new Date(0) } });
    expect(await one.acquire()).toMatchObject({ owner: 'one' });
    expect([await other.renew(), await other.find()]).toEqual([null, expect.objectContaining({ owner: 'one' })]);
  });
});

describe('npm run admin -- archive', () => {
  const READS = ['read-by-id', 'read-by-page', 'read-by-range'];

  it.each([
    ['before a migration', { writes: 'off', reads: 'off' }, { code: 0, stdout: expect.stringMatching(/^0 orders/) }],
    ['after it', { writes: 'complete', reads: 'complete' }, { code: 0, stdout: expect.stringMatching(/^0 orders/) }],
    ['in its first stage', { writes: 'dualwrite', reads: 'off' }, REFUSED],
    ['while the target answers', { writes: 'live', reads: 'live' }, REFUSED],
    ['before its last stage', { writes: 'live', reads: 'complete' }, REFUSED],
  ])('runs only while no migration is under way: %s, %j', async (_, { writes, reads }, result) => {
    const { db } = await emptied();
    await new MongoMigrationStore(mongo).read();
    const stages = Object.fromEntries(READS.map((name) => [`capabilities.${name}.stage`, reads]));
    await db.collection('migration').updateOne({}, { $set: { ...stages, 'capabilities.writes.stage': writes } });
    const ran = await runApp('admin', { ...PATIENT, ...servers }, 'archive', '/nowhere', '--before', '2026-01-31');
    expect(ran).toMatchObject(result);
  });
});

it('a run refuses another one of its kind until it has ended', async () => {
  const runs = new VerificationRuns(await emptied('migrationRuns'));
  const { _id: id } = await runs.start(newProgress(1), 'a test');
  const refused = { code: 'run-under-way', status: 409, extensions: { id } };
  await expect(runs.start(newProgress(1), 'a test')).rejects.toMatchObject(refused);
  await runs.cancel(id);
  expect(await runs.start(newProgress(1), 'a test')).toMatchObject({ status: 'running' });
});

describe('the room for staged imports', () => {
  const budget = new ByteBudget(1_000);

  async function stage(staged: StagedFiles, caller: string, bytes: number): Promise<void> {
    await staged.stage(Readable.from([Buffer.alloc(bytes)]), { operationId: 'one', caller, name: 'a.json', budget });
  }

  it('is limited for each caller with 429, and in total with 503, until the files are read', async () => {
    const staged = new StagedFiles(await emptied());
    const limits = { STAGED_BYTES_PER_CALLER: 10, STAGED_BYTES_IN_TOTAL: 15 };
    const requireRoom = async (caller: string) => requireStagingRoom(mongo.db, caller, limits);
    await requireRoom('ann');
    await stage(staged, 'ann', 10);
    await expect(requireRoom('ann')).rejects.toMatchObject({ status: 429, code: 'too-many-staged-bytes' });
    await requireRoom('bob');
    await stage(staged, 'bob', 5);
    await expect(requireRoom('eve')).rejects.toMatchObject({
      status: 503,
      detail: expect.stringContaining('STAGED_BYTES_IN_TOTAL'),
      headers: { 'Retry-After': '30' },
    });
    await staged.remove('one');
    await requireRoom('ann');
  });

  it('has no limit with 0', async () => {
    const staged = new StagedFiles(await emptied());
    await stage(staged, 'ann', 10);
    const unlimited = { STAGED_BYTES_PER_CALLER: 0, STAGED_BYTES_IN_TOTAL: 0 };
    await expect(requireStagingRoom(mongo.db, 'ann', unlimited)).resolves.toBeUndefined();
  });
});

const HOUR_MS = 3_600_000;
const IMPORTING = { operationId: 'slow', caller: 'ann', budget: new ByteBudget(10_000_000) };
const chunks = () => mongo.db.collection('importFiles.chunks');
const files = () => mongo.db.collection('importFiles.files');
const idAt = (time: number): ObjectId => ObjectId.createFromTime(Math.floor(time / 1_000));

/** Returns staged files whose time, by MongoDB's clock, is the given one. */
const stagedAt = (now: () => number): StagedFiles =>
  new StagedFiles({ db: mongo.db, time: { now: () => new Date(now()) } } as Mongo);

it('a producer that was silent for a day is removed from the list, and notices', async () => {
  const { db } = await emptied();
  let hours = 0;
  const time = { now: () => new Date(hours * HOUR_MS) };
  const [silent, other] = [new ProducerList({ db, time } as Mongo), new ProducerList({ db, time } as Mongo)];
  await silent.join();
  hours = 24;
  await other.join();
  const record = new ExpansionRecord(db, time.now);
  await record.removeEnded();
  expect((await record.read())?.producers).toHaveLength(2);
  hours = 24.1;
  await record.removeEnded();
  expect((await record.read())?.producers).toHaveLength(1);
  expect(await silent.renew(null)).toBe(undefined);
  expect(await other.renew(null)).toBeDefined();
});

describe('staged files of an upload that takes longer than a day', () => {
  it('are kept while its chunks arrive, and removed a day after the last one', async () => {
    await emptied();
    const now = Date.UTC(2_026, 0);
    const [slow, crashed] = [idAt(now - 30 * HOUR_MS), idAt(now - 31 * HOUR_MS)];
    await chunks().insertMany([
      { _id: slow, files_id: slow, n: 0 },
      { _id: idAt(now - HOUR_MS), files_id: slow, n: 1 },
      { _id: crashed, files_id: crashed, n: 0 },
    ]);
    await stagedAt(() => now).tidy();
    expect(await chunks().distinct('files_id')).toEqual([slow]);
    await stagedAt(() => now + 24 * HOUR_MS).tidy();
    expect(await chunks().countDocuments()).toBe(0);
  });

  it('are kept when a later file of the same import takes that long', async () => {
    await emptied();
    const start = systemClock.now();
    let passed = 0;
    const staged = stagedAt(() => start + passed);
    await staged.stage(Readable.from([Buffer.alloc(10)]), { ...IMPORTING, name: 'first.json' });
    const days = async function* (): AsyncGenerator<Buffer> {
      for (; passed < 30 * HOUR_MS; passed += HOUR_MS) yield await Promise.resolve(Buffer.alloc(1));
      await staged.tidy();
    };
    await staged.stage(days(), { ...IMPORTING, name: 'second.json' });
    expect(await files().distinct('filename')).toEqual(['first.json', 'second.json']);
    passed += 25 * HOUR_MS;
    await staged.tidy();
    expect(await files().countDocuments()).toBe(0);
  });
});

describe('staged files of an upload that has just begun', () => {
  it.each([
    ['ahead of', -25 * HOUR_MS],
    ['behind', 25 * HOUR_MS],
  ])("are kept by a producer whose clock is a day %s MongoDB's", async (_, leadMs) => {
    await emptied();
    const now = (): number => systemClock.now() + leadMs;
    const staged = stagedAt(now);
    // Another producer, with the right clock, has stored a file and a chunk of the next one.
    const other = idAt(now());
    await files().insertOne({ _id: other, uploadDate: new Date(now()), metadata: { operationId: 'other' } });
    await chunks().insertOne({ _id: other, files_id: idAt(now() - 1_000), n: 0 });
    await staged.stage(Readable.from([Buffer.alloc(10)]), { ...IMPORTING, name: 'first.json' });
    const parts = async function* (): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.alloc(300 * 1024));
      await staged.tidy();
      yield Buffer.alloc(300 * 1024);
    };
    const { bytes } = await staged.stage(parts(), { ...IMPORTING, name: 'second.json' });
    expect(bytes).toBe(600 * 1024);
    expect([await files().countDocuments(), await chunks().countDocuments()]).toEqual([3, 5]);
  });
});

it('a facade that was started before MongoDB works once it is there', async () => {
  const { host, pathname } = new URL(uri.replace('mongodb:', 'http:'));
  const relay = await Relay.to(host);
  // With the limits of specs, which are thirty times as long, it would wait for MongoDB for minutes.
  const early = await RunningFacade.start('early', {
    MONGODB_URI: `mongodb://127.0.0.1:${relay.port}${pathname}`,
    TEST_TIME_LIMIT_SCALE: '1',
  });
  try {
    expect(await early.post('/orders')).toMatchObject({ status: 503, body: { code: 'state-unknown' } });
    await relay.open();
    await eventually('it knows the state', async () => (await early.get('/v1/migration')).status === 200);
  } finally {
    await early.end();
    relay.close();
  }
});
