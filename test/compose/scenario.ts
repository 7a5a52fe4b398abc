import assert from 'node:assert/strict';
import { documented, replaceAll } from '../support/documented/run-documented.js';
import { eventually } from '../support/eventually.js';
import type { ComposeProject, PrivateEngine } from './private-engine.js';
import { ApiClient } from './api-client.js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { MongoClient } from 'mongodb';
import { KafkaTools } from '../support/foreign-clients/kafka-tools.js';
import type { Check } from './checked-run.js';

/** The password of MongoDB's administrator, in its container. */
const AS_ROOT =
  'docker compose exec mongodb mongosh --quiet -u root -p "$(docker compose exec mongodb cat /run/mongodb/root-password)"';
const IN_MONGOSH: readonly string[] = [
  'rs.status()',
  'db.currentOp()',
  'db.currentOp({ active: true, secs_running: { $gt: 60 } })',
  'db.stats()',
  'db.adminCommand({ replSetResizeOplog: 1, size: 51200, minRetentionHours: 48 })',
  'rs.printReplicationInfo()',
  'rs.printSecondaryReplicationInfo()',
];

/** Runs the commands of the pages for operators that need Docker Compose, in a running project. */
class DocumentedComposeCommands {
  constructor(private readonly project: ComposeProject) {}

  async upAndScaled(): Promise<void> {
    await this.run('docker compose --profile dev up --detach --wait');
    await this.run('docker compose --profile dev up --detach --wait --scale consumer=4');
  }

  async showContainersAndLogs(): Promise<void> {
    assert.match(await this.run('docker compose ps --all'), /producer/);
    assert.match(await this.run('docker compose logs --tail 500 SERVICE', { SERVICE: 'producer' }), /\{/);
    await this.run('docker compose logs --tail 50 consumer');
    await this.run('docker compose logs --since 2m consumer');
    assert.match(await this.run('docker compose logs consumer | grep -i rebalance'), /rebalance/i);
    assert.match(await this.run('docker stats --no-stream'), /CPU/);
    const [first] = await this.project.containers();
    const killed = 'docker inspect CONTAINER | grep OOMKilled';
    assert.match(await this.run(killed, { CONTAINER: first?.ID ?? '' }), /"OOMKilled": false/);
  }

  async openKafkaAndMongodb(): Promise<void> {
    const settings = [
      'export KAFKA_SASL_MECHANISM=plain KAFKA_SASL_USERNAME=orders KAFKA_SASL_PASSWORD=$(docker compose exec producer cat /run/apps/kafka-password)',
      'export MONGODB_URI="mongodb://root:$(docker compose exec mongodb cat /run/mongodb/root-password)@127.0.0.1:27017/orders?authSource=admin&directConnection=true"',
    ].map(documented);
    const shown = await this.project.shell([...settings, 'echo "$KAFKA_SASL_PASSWORD $MONGODB_URI"'].join('\n'));
    assert.match(shown, /^\S{20,} mongodb:\/\/root:\S{20,}@127\.0\.0\.1:27017\/orders\?\S+$/m);
    for (const command of IN_MONGOSH) await this.inMongosh(documented(command));
  }

  /** Moves a partition of the group to its first record. All of them are saved: reading them again is harmless. */
  async moveGroup(): Promise<void> {
    await this.run('docker compose stop consumer');
    const move =
      'docker compose exec kafka /opt/kafka/bin/kafka-consumer-groups.sh --bootstrap-server kafka:19092 --command-config /run/kafka/admin.properties --group orders-savers --topic orders.v1:PARTITION --reset-offsets --to-offset OFFSET --execute';
    assert.match(await this.run(move, { 'v1:PARTITION': 'v1:3', 'offset OFFSET': 'offset 0' }), /orders\.v1/);
    await this.run('docker compose start consumer');
    await this.healthy('consumer');
  }

  /** Leaves the services as `upAndScaled` does. */
  async stopAndStart(): Promise<void> {
    await this.run('docker compose stop producer consumer');
    await this.run('docker compose up -d producer');
    await this.run('docker compose up -d query-api');
    await this.run('docker compose up -d console');
    await this.run('docker compose up -d --scale consumer=1');
    for (const service of ['producer', 'consumer', 'query-api', 'console']) await this.healthy(service);
    await this.run('docker compose --profile dev up --detach --wait --scale consumer=4');
  }

  async down(): Promise<void> {
    await this.run('docker compose --profile dev down --volumes');
  }

  private async healthy(service: string): Promise<void> {
    await eventually(`${service} is healthy`, async () => {
      const containers = (await this.project.containers()).filter(({ Service }) => Service === service);
      return containers.length > 0 && containers.every(({ Health }) => Health === 'healthy');
    });
  }

  private async run(command: string, replacing: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.project.shell(replaceAll(documented(command), replacing));
  }

  /** Types a line into the shell that the page opens, which ends with 0 also after an error. */
  private async inMongosh(line: string): Promise<void> {
    const output = await this.project.shell(documented(AS_ROOT), `${line}\n`);
    assert.doesNotMatch(output, /\w+Error/, line);
  }
}

const PARTITIONS = 12;

/** The fields of the responses that are read. */
export type Operation = Record<'count' | 'firstNumber' | 'saved' | 'deadLettered', number> & { readonly id: string };
interface Pipeline {
  /** `null`: MongoDB did not give the heartbeats in time. */
  readonly consumers: readonly { readonly partitions: readonly number[] | null }[] | null;
}

/** What became of orders, as clients of a deployment see it. */
export class OrderChecks {
  constructor(private readonly client: ApiClient) {}

  async populate(count: number): Promise<Operation> {
    return this.client.json('POST', '/v1/populate', { count });
  }

  /** Resolves when an operation has saved so many orders. */
  async areSaved({ id, count }: Pick<Operation, 'id' | 'count'>): Promise<void> {
    await eventually(`${count} orders of ${id} are saved`, async () => {
      const { saved, deadLettered } = await this.client.json<Operation>('GET', `/v1/operations/${id}`);
      assert.equal(deadLettered, 0);
      return saved === count || { saved };
    });
  }

  /** Resolves when the console sees so many consumers, which share all partitions. */
  async consumersShare(consumers: number): Promise<void> {
    await eventually(`the console sees ${consumers} consumers that share the partitions`, async () => {
      const pipeline = await this.client.json<Pipeline>('GET', '/v1/pipeline');
      // `null`: the heartbeats of a former consumer have stopped.
      const shares = (pipeline.consumers ?? []).flatMap(({ partitions }) => partitions?.length ?? []);
      const all = shares.reduce((sum, share) => sum + share, 0);
      return (shares.length === consumers && !shares.includes(0) && all === PARTITIONS) || shares;
    });
  }
}

/** The number of orders of each of the two populates before the restart. */
const ORDERS = 10_000;
const ORDERS_AFTER_RESTART = 500;
const CONSUMERS = 4;
const APPS = ['producer', 'consumer', 'query-api', 'console'];
/** The public key of the legacy system's clients: docs/migrate.md. */
const DEMO_KEY = 'demo-key-of-the-legacy-api-clients';

interface Order {
  readonly id: string;
  readonly number: number;
}

interface OrdersPage {
  readonly items: readonly Order[];
  readonly page: { readonly next?: string };
}

/** The steps of a user of docker-compose.yml, from the first `up` to `down`. Each step is a check. */
export class Scenario {
  private readonly documented: DocumentedComposeCommands;
  private readonly console: ApiClient;
  private readonly orders: OrderChecks;

  constructor(
    private readonly engine: PrivateEngine,
    private readonly project: ComposeProject,
    private readonly check: Check,
    signal: AbortSignal,
  ) {
    this.documented = new DocumentedComposeCommands(project);
    const { CONSOLE_PORT, ISSUER_PORT } = project.ports;
    this.console = new ApiClient(urlOf(CONSOLE_PORT), urlOf(ISSUER_PORT), signal);
    this.orders = new OrderChecks(this.console);
  }

  async run(): Promise<void> {
    const { check, project } = this;
    await this.withoutIssuer();
    await check('up: every service becomes healthy', () => project.up('dev'));
    await this.protects();
    await check('the issuer grants a token', () => this.console.signIn());
    const operation = await check(`populate ${ORDERS}: accepted`, () => this.orders.populate(ORDERS));
    await this.scales();
    await check(`all ${ORDERS} are saved`, () => this.orders.areSaved(operation));
    await check(`${ORDERS} more are saved by all ${CONSUMERS}`, () => this.populateAndSave(ORDERS));
    await this.answers(operation);
    await this.operates();
    await this.restarts(operation);
    await check('down --volumes: no container, network or volume is left', async () => {
      await this.documented.down();
      // The legacy system is in another profile.
      await project.run('down', '--volumes');
      for (const list of ['ps --all', 'network ls --filter type=custom', 'volume ls'])
        assert.equal(await this.engine.docker([...list.split(' '), '--quiet']), '', list);
    });
  }

  private async withoutIssuer(): Promise<void> {
    const { check, engine, project } = this;
    await check('the image of the apps has no development issuer', async () => {
      const list = ['ls', 'dist/apps', 'node_modules'];
      const output = await engine.docker(['run', '--rm', '--network', 'none', 'orders-pipeline', ...list]);
      const found = output.split('\n');
      assert.deepEqual(
        ['producer', 'kafkajs', 'dev-issuer', 'oidc-provider'].map((name) => found.includes(name)),
        [true, true, false, false],
      );
    });
    await check('up without an issuer: nothing starts, and one line says why', async () => {
      const up = project.runWith([], 'up', '--pull', 'never', '--detach');
      await assert.rejects(up, /service "settings" didn't complete/);
      const log = await project.run('logs', '--no-log-prefix', 'settings');
      assert.match(log, /^AUTH_ISSUER is not set: set it to .+$/);
      const started = (await project.containers()).filter(({ State }) => State === 'running');
      assert.deepEqual(started, []);
      await project.run('down', '--volumes');
    });
  }

  private async protects(): Promise<void> {
    const { check, project } = this;
    const { KAFKA_PORT, MONGODB_PORT, PRODUCER_PORT, QUERY_API_PORT } = project.ports;
    await check('ports are published on 127.0.0.1 only', async () => {
      const publishers = (await project.containers()).flatMap(({ Publishers }) => Publishers ?? []);
      const published = publishers.filter(({ PublishedPort }) => PublishedPort !== 0);
      assert.deepEqual(
        new Set(published.map(({ URL, PublishedPort }) => `${URL}:${PublishedPort}`)),
        new Set(Object.values(project.ports).map((port) => `127.0.0.1:${port}`)),
      );
    });
    await check('the apps run as an ordinary user', async () => {
      for (const app of APPS) assert.equal(await project.exec(app, 'id', '--user'), '1000', app);
    });
    await check('requests without a token are rejected', async () => {
      for (const [port, path] of [
        [PRODUCER_PORT, '/v1/operations'],
        [QUERY_API_PORT, '/v1/orders'],
      ] as const)
        assert.equal((await this.console.at(urlOf(port)).send('GET', path, { token: false })).status, 401);
    });
    await check('Kafka and MongoDB reject clients without a password', async () => {
      const brokers = [`127.0.0.1:${KAFKA_PORT}`];
      const logLevel = kafkajs.logLevel.NOTHING;
      const admin = new kafkajs.Kafka({ brokers, logLevel, retry: { retries: 0 } }).admin();
      // Connecting alone asks only for the versions of requests, which needs no password.
      await admin.connect();
      await assert.rejects(admin.listTopics());
      await admin.disconnect();
      const uri = `mongodb://127.0.0.1:${MONGODB_PORT}/orders?directConnection=true`;
      await isUnauthorized(uri, async (mongo) => mongo.db().collection('orders').findOne());
    });
  }

  private async scales(): Promise<void> {
    const { check, project } = this;
    await check('the documented commands: up, and scale', () => this.documented.upAndScaled());
    await check(`there are ${CONSUMERS} healthy containers of consumers`, async () => {
      const consumers = (await project.containers()).filter(({ Service }) => Service === 'consumer');
      assert.deepEqual(
        consumers.map(({ Health }) => Health),
        Array.from({ length: CONSUMERS }, () => 'healthy'),
      );
    });
    await check(`the console sees all ${CONSUMERS}, which share the partitions`, () =>
      this.orders.consumersShare(CONSUMERS),
    );
    await check('the console serves its page', async () => {
      assert.match((await this.console.send('GET', '/', { token: false })).text, /<orders-console>/);
    });
  }

  private async answers({ id, firstNumber, count }: Operation): Promise<void> {
    const queryApi = this.console.at(urlOf(this.project.ports.QUERY_API_PORT));
    const found: Order[] = [];
    await this.check('queried by range, each order is returned once', async () => {
      let path: string | undefined = `/v1/orders/range?from=${firstNumber}&to=${firstNumber + count - 1}&pageSize=1000`;
      while (path !== undefined && found.length < count) {
        const { items, page }: OrdersPage = await queryApi.json<OrdersPage>('GET', path);
        found.push(...items);
        path = page.next;
      }
      assert.equal(path, undefined, `the pages end after ${count} orders`);
      assert.deepEqual(
        found.map(({ number }) => number),
        Array.from({ length: count }, (_, index) => firstNumber + index),
      );
      assert.equal(new Set(found.map((order) => order.id)).size, count);
    });
    await this.check('queried by id, also through the console', async () => {
      const order = found.at(-1);
      for (const client of [queryApi, this.console])
        assert.deepEqual(await client.json('GET', `/v1/orders/${order?.id}`), order, client.url);
    });
    await this.check('every service exports its traces', async () => {
      await eventually('the collector has some of each', async () => {
        const exported = new Set((await this.project.run('logs', '--no-log-prefix', 'collector')).split('\n'));
        return APPS.every((app) => exported.has(`orders-${app}`)) || [...exported];
      });
    });
    await this.check('reconcile in a container finds every order', () =>
      this.project.exec('producer', 'node', 'dist/apps/admin/src/main.js', 'reconcile', id),
    );
  }

  private async operates(): Promise<void> {
    const { check, documented: commands, engine, project } = this;
    await check('the operator gets in by the files of the containers', () => this.operatorGetsIn());
    await check('the documented commands: containers and logs', () => commands.showContainersAndLogs());
    await check('the documented commands: Kafka and MongoDB', () => commands.openKafkaAndMongodb());
    await check('the documented commands: move the group', () => commands.moveGroup());
    await check('the documented commands: stop and start services', () => commands.stopAndStart());
    // A service that crashes at start and is restarted becomes healthy too.
    await check('no container had to be restarted', async () => {
      const ids = (await project.containers()).map(({ ID }) => ID);
      const counts = await engine.docker(['inspect', '--format', '{{.RestartCount}}', ...ids]);
      assert.deepEqual(new Set(counts.split('\n')), new Set(['0']));
    });
    await check('stop: the apps drain and exit with 0', async () => {
      await project.run('stop', ...APPS);
      const ended = (await project.containers()).filter(({ Service }) => APPS.includes(Service));
      assert.equal(ended.length, APPS.length - 1 + CONSUMERS);
      assert.deepEqual(
        ended.filter(({ ExitCode }) => ExitCode !== 0),
        [],
      );
    });
  }

  /** Follows docs/run.md: with the files of the containers an operator gets in, and the apps' user may not do more than it needs. */
  private async operatorGetsIn(): Promise<void> {
    const { project } = this;
    const { KAFKA_PORT, MONGODB_PORT } = project.ports;
    const directory = await mkdtemp(join(tmpdir(), 'orders-compose-'));
    try {
      const file = join(directory, 'admin.properties');
      await writeFile(file, await project.exec('kafka', 'cat', '/run/kafka/admin.properties'));
      const access = ['--bootstrap-server', `127.0.0.1:${KAFKA_PORT}`, '--command-config', file];
      assert.match(await (await KafkaTools.provide()).run('TopicCommand', [...access, '--list']), /^orders\.v1$/m);
    } finally {
      await rm(directory, { recursive: true });
    }
    const root = ['-u', 'root', '-p', await project.exec('mongodb', 'cat', '/run/mongodb/root-password')];
    const script = "db.getSiblingDB('admin').system.users.countDocuments()";
    assert.equal(await project.exec('mongodb', 'mongosh', '--quiet', ...root, '--eval', script), '2');
    const uri = new URL(await project.exec('producer', 'cat', '/run/apps/mongodb-uri'));
    uri.host = `127.0.0.1:${MONGODB_PORT}`;
    uri.search = 'authSource=admin&directConnection=true';
    await isUnauthorized(uri.href, async (mongo) => mongo.db('admin').command({ usersInfo: 1 }));
  }

  /** Checks that the data survives in the volumes, which `down` without --volumes keeps. */
  private async restarts({ id, count }: Operation): Promise<void> {
    const { check, project } = this;
    await check('down, and up with the legacy system: orders, records and schemas still exist', async () => {
      await project.run('down');
      await project.up('dev', 'legacy');
      await this.console.signIn();
      const { saved } = await this.console.json<Operation>('GET', `/v1/operations/${id}`);
      assert.equal(saved, count);
      await this.populateAndSave(ORDERS_AFTER_RESTART);
    });
    await check('the facade answers clients with a key only', async () => {
      const facade = this.console.at(urlOf(project.facadePort));
      const statuses = [{}, { 'x-api-key': DEMO_KEY }].map(async (headers) => {
        const { status } = await facade.send('GET', '/orders/page/1', { token: false, headers });
        return status;
      });
      assert.deepEqual(await Promise.all(statuses), [401, 200]);
    });
  }

  private async populateAndSave(count: number): Promise<void> {
    await this.orders.areSaved(await this.orders.populate(count));
  }
}

/** Checks that MongoDB denies a command. */
async function isUnauthorized(uri: string, command: (mongo: MongoClient) => Promise<unknown>): Promise<void> {
  const mongo = new MongoClient(uri);
  try {
    await assert.rejects(command(mongo), { codeName: 'Unauthorized' });
  } finally {
    await mongo.close();
  }
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
