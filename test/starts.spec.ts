import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MongoClient, type Db } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { INDEXES, RETIRED } from '#orders/database/indexes.js';
import { existingIndexes, requireIndexes } from '#service/mongodb/indexes.js';
import { migrateDatabase } from '#service/mongodb/migrate-database.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { emptyServers, type GivenServers } from './support/own-servers.js';
import { eventually } from './support/eventually.js';
import { Relay } from './support/relay.js';
import { PATIENT, runApp, StartedApp } from './support/started-app.js';

const ISO_8601 = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

let servers: GivenServers;
let client: MongoClient;
let db: Db;

beforeAll(async () => {
  const given = await emptyServers();
  if (given === undefined) throw new Error('this spec needs shared servers');
  servers = given;
  client = new MongoClient(servers.MONGODB_URI);
  db = client.db();
});

afterAll(async () => client.close());

/** Runs `npm run admin -- migrate`. @returns what it prints */
async function migrate(...flags: string[]): Promise<string> {
  const env = { ...PATIENT, MONGODB_URI: servers.MONGODB_URI };
  const { code, stdout, stderr } = await runApp('admin', env, 'migrate', ...flags);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

describe('a service that starts', () => {
  let app: StartedApp | undefined;

  afterEach(async () => {
    await app?.kill();
    app = undefined;
  });

  it('waits for its indexes, gets ready once they are migrated, and fails its readiness before it closes', async () => {
    await db.dropDatabase();
    const started = await StartedApp.start('query-api', { ...servers, DRAIN_GRACE_SECONDS: '8' });
    app = started;
    await eventually('it reports the missing index', async () => 'indexes' in (await started.readiness()).checks);
    const reason = 'Index number of collection orders is missing: run npm run admin -- migrate';
    expect(await started.readiness()).toEqual({
      status: 503,
      checks: { indexes: { status: 'down', reason, since: expect.stringMatching(ISO_8601) } },
    });
    expect(await started.get('/health/live')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect(await started.get('/v1/orders')).toMatchObject({ status: 503, body: { code: 'starting' } });
    // By two people at once.
    const outputs = await Promise.all([migrate(), migrate()]);
    for (const output of outputs) expect(output).toContain('The database has all indexes that this version needs.');
    await eventually('it is ready', async () => (await started.readiness()).status === 200);
    expect(await started.get('/v1/orders')).toMatchObject({ status: 200 });
    const changes = started.log.filter(({ name }) => name === 'indexes').map(({ msg }) => msg);
    expect([changes[0], changes.at(-1)]).toEqual(['not ready', 'available again']);
    started.signal('SIGTERM');
    await eventually('its readiness fails', async () => 'drain' in (await started.readiness()).checks);
    expect(await started.get('/v1/orders')).toMatchObject({ status: 200 });
    expect(await started.exitCode()).toBe(0);
  });

  it('waits for MongoDB, Kafka and the registry, in any order, and can be stopped meanwhile', async () => {
    await db.dropDatabase();
    await migrateDatabase(db);
    const mongodb = new URL(servers.MONGODB_URI.replace('mongodb:', 'http:'));
    const registry = new URL(servers.SCHEMA_REGISTRY_URL);
    const relays = {
      mongodb: await Relay.to(mongodb.host),
      kafka: await Relay.to(servers.KAFKA_BROKERS),
      registry: await Relay.to(registry.host),
    };
    const env = {
      ...servers,
      // Kafka names its own address to connected clients; that of MongoDB must stay the relay's.
      MONGODB_URI: `mongodb://127.0.0.1:${relays.mongodb.port}${mongodb.pathname}?directConnection=true`,
      KAFKA_BROKERS: `127.0.0.1:${relays.kafka.port}`,
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${relays.registry.port}${registry.pathname}`,
    };
    const stopped = await StartedApp.start('consumer', env);
    const started = await StartedApp.start('consumer', env);
    app = started;
    try {
      for (const each of [stopped, started])
        await eventually('all are away', async () => {
          const { checks } = await each.readiness();
          return ['mongodb', 'kafka', 'registry'].every((name) => checks[name]?.status === 'down');
        });
      stopped.signal('SIGTERM');
      expect(await stopped.exitCode()).toBe(0);
      expect(await started.get('/health/live')).toMatchObject({ status: 200 });
      await relays.registry.open();
      await relays.kafka.open();
      await eventually('only MongoDB is away', async () => {
        const { checks } = await started.readiness();
        return Object.keys(checks).join() === 'mongodb' || checks;
      });
      await relays.mongodb.open();
      await eventually('it is ready', async () => {
        const { status, checks } = await started.readiness();
        return status === 200 || checks;
      });
      for (const waitedFor of ['mongodb', 'kafka', 'registry']) {
        // Between them, a slow answer may be one more change.
        const changes = started.log.filter(({ name }) => name === waitedFor).map(({ msg }) => msg);
        expect([changes[0], changes.at(-1)]).toEqual(['not ready', 'available again']);
      }
    } finally {
      await stopped.kill();
      await started.kill();
      for (const relay of Object.values(relays)) relay.close();
    }
  });
});

describe('a service that stops', () => {
  it('ends with 1 after the limit of its drain, although a dependency never closes', async () => {
    const engine = pathToFileURL(join(PROJECT_DIRECTORY, 'dist/apps/swarm-scaler/src/scaled-service.js')).href;
    // The timer stands for an open connection: without one, the process would end by itself.
    const hang = `import { DockerEngine } from '${engine}';
      DockerEngine.prototype.close = () => new Promise(() => setInterval(() => undefined, 1_000));`;
    const app = await StartedApp.start('swarm-scaler', {
      DOCKER_SOCKET: '/nowhere.sock',
      SCALER_SERVICE: 'consumer',
      SCALER_TOKEN: crypto.randomUUID(),
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hang)}`,
    });
    try {
      await eventually('it listens', async () => (await app.readiness()).status > 0);
      app.signal('SIGTERM');
      expect(await app.exitCode()).toBe(1);
      expect(app.log.at(-1)).toMatchObject({ msg: 'the drain took longer than 18000 ms: exiting without it' });
    } finally {
      await app.kill();
    }
  });
});

describe('a migration', () => {
  it('creates every index, announces what is retired, and drops it only with --drop', async () => {
    await db.dropDatabase();
    await db.collection('orders').createIndex({ legacy: 1, number: 1 }, { name: 'legacy_number' });
    await db.collection('orderRollups').insertOne({ orders: 1 });
    const retired = async (): Promise<unknown> => [
      (await existingIndexes(db, 'orders')).some(({ definition }) => definition.name === 'legacy_number'),
      (await db.listCollections({ name: 'orderRollups' }).toArray()).length,
    ];
    const announced = await migrate();
    expect(announced).toContain('index legacy_number of orders is not used by this version');
    expect(announced).toContain('collection orderRollups is not used by this version');
    expect(announced).toContain('npm run admin -- migrate --drop');
    await requireIndexes(db, Object.keys(INDEXES) as (keyof typeof INDEXES)[]);
    expect(await retired()).toEqual([true, 1]);
    expect(await migrate('--drop')).toContain('dropped index legacy_number of orders');
    expect(await retired()).toEqual([false, 0]);
    expect(await migrate('--drop')).toBe('The database has all indexes that this version needs.\n');
    expect(RETIRED.collections).toContain('orderRollups');
  });

  it('names documents that contradict a unique index, and an index that a person must drop', async () => {
    await db.dropDatabase();
    const conflict = await db.collection('operations').createIndex({ status: 1 }, { name: 'status_id' });
    await db.collection<{ number: number }>('orders').insertMany([{ number: 7 }, { number: 7 }]);
    await expect(migrateDatabase(db)).rejects.toMatchObject({
      code: 'index-not-built',
      message: expect.stringMatching(
        /^Index number, .* of collection orders can't be built: two documents .*number: 7/,
      ),
    });
    await db.collection('orders').deleteMany({});
    const lines: string[] = [];
    expect(await migrateDatabase(db, { print: (line) => lines.push(line) })).toBe(false);
    expect(lines).toContainEqual(
      `Index ${conflict} of collection operations has another definition. Drop it, and migrate again.`,
    );
    await expect(requireIndexes(db, ['orders', 'operations'])).rejects.toMatchObject({ code: 'missing-index' });
    await requireIndexes(db, ['orders']);
  });

  it('changes how long documents are kept', async () => {
    await migrateDatabase(db, { collections: ['consumers'] });
    await db.command({ collMod: 'consumers', index: { name: 'at', expireAfterSeconds: 60 } });
    await migrateDatabase(db, { collections: ['consumers'] });
    const [at] = await existingIndexes(db, 'consumers');
    expect(at?.definition).toMatchObject({ name: 'at', expireAfterSeconds: 3_600 });
  });
});
