import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { restoresCollection } from '#service/mongodb/connect-prepared.js';
import type { KafkaState } from '../../apps/admin/src/backup/manifest.js';
import type { LoggedOrders } from '../../apps/admin/src/restore/log-findings.js';
import { RestoreBackup } from '../../apps/admin/src/restore/restore-backup.js';
import { SmallDisk } from '../chaos/cluster/small-disk.js';
import { runDocumented } from '../support/documented/run-documented.js';
import { eventually } from '../support/eventually.js';
import { readDumpByPymongo } from '../support/fetched-programs.js';
import { StandaloneMongodb } from '../support/own-servers.js';
import { StartedApp } from '../support/started-app.js';
import { EXAMPLE_FOLDER, TakenBackup } from '../support/taken-backup.js';
import { quietKafka, topicOffsets } from '../support/topic-writer.js';

const ONE_BROKER = { TOPIC_REPLICATION_FACTOR: '1', TOPIC_MIN_INSYNC_REPLICAS: '1' };

/** Returns what Kafka has when so many records were added to the first partition of the orders. */
function grownBy(state: KafkaState, records: number): KafkaState {
  const topics = state.topics.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((each) =>
      topic.name === ORDERS_TOPIC && each.partition === 0 ? { ...each, end: each.end + records } : each,
    ),
  }));
  return { ...state, topics };
}

describe('npm run admin -- restore', () => {
  let taken: TakenBackup;

  beforeAll(async () => {
    taken = await TakenBackup.of(async (pipeline) => {
      const { id } = await pipeline.populate({ count: 2_000 });
      await pipeline.allSaved(id);
    });
  });

  afterAll(async () => taken?.remove());

  /** Returns a backup of which one file was changed. */
  async function damaged(file: string, damage: (path: string) => Promise<void>): Promise<string> {
    const copy = await taken.copied();
    await damage(join(copy, file));
    return copy;
  }

  const inDatabase = (file: string): string => join(taken.manifest.database, file);

  const CASES: readonly (readonly [what: string, folder: () => Promise<string>, line: string])[] = [
    [
      'that lacks a file',
      async () => damaged(inDatabase('operations.bson'), async (path) => rm(path)),
      'operations.bson is missing',
    ],
    [
      'that was cut short',
      async () => damaged(inDatabase('orders.bson'), async (path) => truncate(path, 1_000)),
      'orders.bson has 1000 bytes, not',
    ],
    [
      'in which a byte was changed',
      async () =>
        damaged(inDatabase('orders.bson'), async (path) => {
          const bytes = await readFile(path);
          bytes[500] = (bytes[500] ?? 0) ^ 1;
          await writeFile(path, bytes);
        }),
      'orders.bson was altered: its content has another hash',
    ],
    [
      'whose manifest was changed',
      async () =>
        damaged('manifest.json', async (path) => {
          const text = await readFile(path, 'utf8');
          await writeFile(path, text.replace('"highestNumber": 2000', '"highestNumber": 2'));
        }),
      'manifest.json was altered: its content does not have its own hash',
    ],
    [
      'of a newer program',
      async () => taken.rewritten({ format: 2, program: '9.0.0' }),
      'restore with the program that wrote it (9.0.0)',
    ],
    [
      'of another cluster',
      async () => taken.rewritten({ kafka: { ...taken.manifest.kafka, clusterId: 'another' } }),
      'and the backup belongs to another: correct KAFKA_BROKERS',
    ],
    ['that is none', async () => Promise.resolve(tmpdir()), 'has no manifest.json'],
  ];

  it.each(CASES)('refuses a backup %s, and changes nothing', async (_, folder, line) => {
    const uri = taken.emptyDatabase();
    const { code, stderr } = await taken.admin(uri, 'restore', await folder());
    expect([code, stderr]).toEqual([2, expect.stringContaining(line)]);
    expect(await taken.databaseOf(uri).listCollections().toArray()).toEqual([]);
  });

  it('refuses a database with data, and names the collections', async () => {
    expect(await taken.admin(taken.source, 'restore', taken.path)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is not empty \(acknowledgedChunks, .*orders.*\): restore to an empty one/),
    });
  });

  it('refuses while services are connected, and keeps them from starting on a part of a backup', async () => {
    const uri = taken.emptyDatabase();
    await migrateAt(uri);
    const markers = restoresCollection(taken.databaseOf(uri));
    await markers.insertOne({ _id: taken.manifest.id, startedAt: new Date(), loaded: [], paused: null });
    const env = { ...taken.servers, ...ONE_BROKER, MONGODB_URI: uri };
    const apps = await Promise.all(
      ['producer', 'consumer', 'query-api'].map(async (app) => StartedApp.start(app, env)),
    );
    try {
      for (const app of apps)
        expect(await app.reasonOf('restore', /^The restore of backup/)).toContain('run it again if it was interrupted');
      expect(await taken.admin(uri, 'restore', taken.path)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('(orders-consumer, orders-producer, orders-query-api): stop them'),
      });
      await markers.deleteMany({});
      for (const app of apps) await eventually('it is ready', async () => (await app.readiness()).status === 200);
      expect(await taken.admin(taken.emptyDatabase(), 'restore', taken.path)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`Consumer group ${ORDERS_CONSUMER_GROUP} has members (orders-consumer at`),
      });
    } finally {
      for (const app of apps) app.signal('SIGTERM');
      await Promise.all(apps.map(async (app) => app.exitCode()));
    }
  });

  it('continues after a kill, and restores no other backup in between', async () => {
    const uri = taken.emptyDatabase();
    const killed = taken.start(uri, 'restore', taken.path);
    const markers = restoresCollection(taken.databaseOf(uri));
    await eventually('it has begun', async () => (await markers.countDocuments()) === 1);
    killed.process.kill('SIGKILL');
    await killed.ended;
    const other = await taken.rewritten({ id: crypto.randomUUID() });
    expect(await taken.admin(uri, 'restore', other)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`has a part of backup ${taken.manifest.id}: restore that one`),
    });
    const documented = { env: { ...taken.servers, MONGODB_URI: uri }, replacing: { [EXAMPLE_FOLDER]: taken.path } };
    const check = await runDocumented('npm run admin -- restore --check /backups/2026-11-28', documented);
    expect(check).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('A restore of it was interrupted, and can be continued.'),
    });
    const { code, stdout } = await runDocumented('npm run admin -- restore /backups/2026-11-28', documented);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Continuing the restore that was interrupted.')]);
    const names = ['orders', 'acknowledgedChunks', 'counters'];
    const read = await readDumpByPymongo(join(taken.path, taken.manifest.database), uri, ...names);
    for (const each of names) expect([each, read[each]?.sameBytes]).toEqual([each, true]);
  });

  it('refuses a topic that is still written, commits no offsets, and completes when the producers are stopped', async () => {
    const { manifest } = taken;
    const db = taken.databaseOf(taken.emptyDatabase());
    let ends = 0;
    let isWritten = true;
    const committed: unknown[] = [];
    const restore = new RestoreBackup({
      db,
      now: () => new Date(),
      directory: taken.path,
      manifest,
      createIndexes: async () => undefined,
      // A record arrives between two readings.
      kafkaState: async () => grownBy(manifest.kafka, isWritten ? (ends += 1) : ends),
      readLog: async function* () {},
      orders: async () => ({ read: async () => Promise.reject(new Error('not used')) }) as unknown as LoggedOrders,
      requireNoMembers: async () => undefined,
      commitOffsets: async (offsets) => void committed.push(...offsets),
      print: () => undefined,
    });
    await expect(restore.run(await restore.check())).rejects.toMatchObject({
      code: 'still-written',
      message: expect.stringMatching(/^Records are still written to orders\.v1 \(partition 0\): stop the producers/),
    });
    expect([committed, await restoresCollection(db).countDocuments()]).toEqual([[], 1]);
    isWritten = false;
    await restore.run(await restore.check());
    expect([committed.length > 0, await restoresCollection(db).countDocuments()]).toEqual([true, 0]);
  });

  it('fails while the disk of MongoDB is full, and completes when there is space again', async () => {
    const directory = join(taken.folder, 'small-mongodb');
    const disk = await SmallDisk.at(directory, 600);
    // Only root may mount a disk.
    if (disk === undefined) return;
    const mongodb = await StandaloneMongodb.start(directory);
    try {
      await disk.fill();
      const failed = await taken.admin(mongodb.uri, 'restore', taken.path);
      expect([failed.code, failed.stdout]).toEqual([2, expect.not.stringContaining('is restored')]);
      await disk.free();
      let restored = failed;
      // MongoDB ends when it can't write, and is started again.
      await eventually('it is restored', async () => {
        restored = await taken.admin(mongodb.uri, 'restore', taken.path);
        return restored.code === 0 || restored;
      });
      const read = await readDumpByPymongo(join(taken.path, taken.manifest.database), mongodb.uri, 'orders');
      expect(read['orders']).toMatchObject({ documents: 2_000, sameBytes: true });
    } finally {
      await mongodb.stop();
      await disk.remove();
    }
  });

  it('refuses a backup that is older than the log, and names the partition', async () => {
    const { kafka } = taken.manifest;
    const partition = kafka.topics[0]?.partitions.find(({ end }) => end > 10)?.partition ?? 0;
    const groups = kafka.groups.map((group) => ({
      ...group,
      offsets: group.offsets.map((each) => (each.partition === partition ? { ...each, offset: 3 } : each)),
    }));
    const older = await taken.rewritten({ kafka: { ...kafka, groups: groups.slice(0, 1) } });
    const admin = quietKafka(taken.servers.KAFKA_BROKERS).admin();
    await admin.connect();
    // kafkajs deletes records only after it has loaded the leaders of the topic.
    await topicOffsets(admin, ORDERS_TOPIC);
    await admin.deleteTopicRecords({ topic: ORDERS_TOPIC, partitions: [{ partition, offset: '4' }] });
    await admin.disconnect();
    const uri = taken.emptyDatabase();
    expect(await taken.admin(uri, 'restore', older)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `it continues ${ORDERS_TOPIC} partition ${partition} at offset 3, and Kafka has deleted all before 4`,
      ),
    });
    expect(await taken.databaseOf(uri).listCollections().toArray()).toEqual([]);
  });
});
