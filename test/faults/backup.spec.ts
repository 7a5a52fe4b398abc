import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Binary, Decimal128, Double, Int32, Long, MaxKey, ObjectId, Timestamp, UUID } from 'mongodb';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { requireIndexes } from '#service/mongodb/indexes.js';
import { restoresCollection } from '#service/mongodb/connect-prepared.js';
import type { RestoreReport } from '../../apps/admin/src/restore/restore-report.js';
import { SmallDisk } from '../chaos/cluster/small-disk.js';
import { eventually } from '../support/eventually.js';
import { readDumpByPymongo } from '../support/fetched-programs.js';
import { intakeOrder, sendOrders } from '../support/sent-orders.js';
import type { TestSystem } from '../support/test-system.js';
import type { Run } from '../support/started-app.js';
import { TakenBackup } from '../support/taken-backup.js';
import { quietKafka } from '../support/topic-writer.js';

/** One value of each type whose exact form a driver may change. */
const NOTE = {
  _id: 'types',
  double: new Double(3),
  int: new Int32(3),
  long: Long.fromNumber(3),
  decimal: Decimal128.fromString('1.50'),
  uuid: new UUID('00000000-0000-4000-8000-000000000001'),
  bytes: new Binary(Buffer.from([1, 2])),
  id: new ObjectId('0123456789abcdef01234567'),
  date: new Date(0),
  timestamp: new Timestamp({ t: 1, i: 2 }),
  expression: /a+b/i,
  nothing: null,
  highest: new MaxKey(),
  nested: { list: [new Double(1), 'text', { deep: new Int32(1) }] },
};
const COMPARED = ['orders', 'notes', 'deadLetters', 'intakeBatches', 'acknowledgedChunks', 'counters'];
const ORDERS = 3_000;
const RECEIVED = 2;

async function fill(pipeline: TestSystem): Promise<void> {
  const { id } = await pipeline.populate({ count: ORDERS, faults: { poison: 0.01 } });
  await sendOrders(pipeline, [intakeOrder(), intakeOrder({ accountId: 'acc-2' })], 'a-key');
  const notes = await pipeline.db.createCollection('notes', { collation: { locale: 'de' } });
  await notes.insertOne(NOTE as never);
  await notes.createIndex({ date: -1 }, { name: 'own', sparse: true });
  await pipeline.allEnded(id);
}

describe('npm run admin -- backup', () => {
  let taken: TakenBackup;
  let packed: string;
  let packing: Run;

  beforeAll(async () => {
    taken = await TakenBackup.of(fill);
    packed = join(taken.folder, 'packed');
    packing = await taken.admin(taken.source, 'backup', packed, '--gzip');
  });

  afterAll(async () => taken?.remove());

  const read = async (directory: string, uri: string) =>
    readDumpByPymongo(join(directory, taken.manifest.database), uri, ...COMPARED);

  it('writes a dump in the format of MongoDB, plain or compressed, as pymongo reads it', async () => {
    expect(packing).toMatchObject({ code: 0, stderr: '' });
    const counts = new Map(taken.manifest.collections.map(({ name, documents }) => [name, documents]));
    for (const directory of [taken.path, packed]) {
      const found = await read(directory, taken.source);
      for (const name of COMPARED)
        expect([name, found[name]]).toEqual([
          name,
          expect.objectContaining({ documents: counts.get(name), sameBytes: true }),
        ]);
      expect(found['notes']).toMatchObject({ indexes: ['_id_', 'own'], options: { collation: { locale: 'de' } } });
    }
  });

  it("names Kafka's positions in its manifest, and leaves heartbeats and caches out", () => {
    const { kafka, collections, highestNumber } = taken.manifest;
    expect(kafka.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      [ORDERS_TOPIC, 12],
      [DEAD_LETTER_TOPIC, 12],
    ]);
    const ends = kafka.topics[0]?.partitions.map(({ end }) => end);
    expect(kafka.groups[0]?.offsets.map(({ offset }) => offset ?? 0)).toEqual(ends);
    expect(highestNumber).toBe(ORDERS + RECEIVED);
    expect(collections.map(({ name }) => name)).not.toContain('consumers');
  });

  it.each(['backup', 'packed'])('is restored from %s with every byte, all indexes and the offsets', async (name) => {
    const uri = taken.emptyDatabase();
    const { code, stdout } = await taken.admin(uri, 'restore', join(taken.folder, name), '--json');
    expect(JSON.parse(stdout) as RestoreReport).toMatchObject({
      lostOperations: [],
      pausedOperations: [],
      numbers: { backup: ORDERS + RECEIVED, next: ORDERS + RECEIVED + 1, skipped: 0 },
      log: { records: 0, undecodable: 0 },
    });
    expect(code).toBe(0);
    const found = await read(join(taken.folder, name), uri);
    for (const each of COMPARED) expect([each, found[each]?.sameBytes]).toEqual([each, true]);
    const db = taken.databaseOf(uri);
    await requireIndexes(db, ['orders', 'operations', 'deadLetters', 'intakeBatches']);
    expect(await db.collection('notes').listIndexes().toArray()).toContainEqual(
      expect.objectContaining({ name: 'own', key: { date: -1 }, sparse: true }),
    );
    expect(await restoresCollection(db).countDocuments()).toBe(0);
    for (const { id, topic, offsets } of taken.manifest.kafka.groups)
      expect(await committed(id, topic)).toEqual(
        offsets.map(({ partition, offset }) => [partition, String(offset ?? 0), false]),
      );
  });

  /** Returns the partition, the offset and whether there is metadata, of each commit. */
  async function committed(groupId: string, topic: string): Promise<[number, string, boolean][]> {
    const admin = quietKafka(taken.servers.KAFKA_BROKERS).admin();
    await admin.connect();
    try {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return (found?.partitions ?? [])
        .map(({ partition, offset, metadata }): [number, string, boolean] => [partition, offset, Boolean(metadata)])
        .toSorted(([a], [b]) => a - b);
    } finally {
      await admin.disconnect();
    }
  }

  it('refuses a folder with other files', async () => {
    expect(await taken.admin(taken.source, 'backup', taken.path)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Folder ${taken.path} is not empty`),
    });
  });

  it('can be killed: the folder is then no backup, and can be used again, but not while it is written', async () => {
    const directory = join(taken.folder, 'killed');
    const killed = taken.start(taken.source, 'backup', directory, '--share', '1');
    const incomplete = join(directory, 'incomplete.json');
    await eventually('it writes', async () =>
      readFile(incomplete).then(
        () => true,
        () => false,
      ),
    );
    expect(await taken.admin(taken.source, 'backup', directory)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`still writes a backup to ${directory}`),
    });
    killed.process.kill('SIGKILL');
    await killed.ended;
    expect(await taken.admin(taken.emptyDatabase(), 'restore', directory)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no manifest.json: it is no backup, or one that was cut short'),
    });
    expect(await taken.admin(taken.source, 'backup', directory)).toMatchObject({ code: 0, stderr: '' });
    expect((await readdir(directory)).toSorted()).toEqual(['manifest.json', taken.manifest.database].toSorted());
  });

  it('says that the disk is full, leaves nothing, and succeeds once there is space', async () => {
    const directory = join(taken.folder, 'small');
    const disk = await SmallDisk.at(directory, 8);
    // Only root may mount a disk.
    if (disk === undefined) return;
    try {
      const target = join(directory, 'backup');
      await disk.fill();
      expect(await taken.admin(taken.source, 'backup', target)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`The disk of ${target} is full, and no backup was made`),
      });
      await expect(readFile(join(target, 'manifest.json'))).rejects.toThrow('ENOENT');
      await disk.free();
      expect(await taken.admin(taken.source, 'backup', target)).toMatchObject({ code: 0, stderr: '' });
      expect(await taken.admin(taken.emptyDatabase(), 'restore', '--check', target)).toMatchObject({ code: 0 });
    } finally {
      await disk.remove();
    }
  });
});
