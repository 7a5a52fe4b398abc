import { setTimeout as delay } from 'node:timers/promises';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import type { AcceptedOrders } from '../../apps/producer/src/order-api/orders-request.js';
import type { Answer, ApiClient } from '../compose/api-client.js';
import { eventually } from '../support/eventually.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import type { DecisionPage } from '../../apps/console/src/autoscaling/autoscaling-response.js';
import type { Check } from '../compose/checked-run.js';
import { OrderChecks, type Operation } from '../compose/scenario.js';
import type { Operator } from './operator.js';
import type { Group, SwarmOptions } from './swarm-images.js';

const ORDERS_PER_BATCH = 50;
const ACCOUNTS = 500;
const RETRY_MS = 500;
const EACH_MS = 1_000;
/** Reads that must be answered before a step begins: tasks that have just started may refuse some. */
const WARM_READS = 200;

/** What happened to the requests between two moments. */
interface LoadFigures {
  reads: number;
  accepted: number;
  /** Reads without a 200, and tries to send a batch that a later try cured: their count by what came instead. */
  readonly failedReads: Map<string, number>;
  readonly failedSends: Map<string, number>;
}

/**
 * Clients behind the gateway, each of which begins a request a second, or when the one before was answered. Reads are sent once, and batches of
 * orders under a key until they are accepted.
 */
class SwarmLoad {
  /** The accepted orders of each operation. */
  readonly operations = new Map<string, number>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;
  private figures = noFigures();

  /** @param rates requests, and orders, per second */
  constructor(
    private readonly gateway: ApiClient,
    rates: { readonly reads: number; readonly orders: number },
  ) {
    const senders = Math.ceil(rates.orders / ORDERS_PER_BATCH);
    this.running = Promise.all([
      ...Array.from({ length: rates.reads }, async () => this.repeat(async () => this.read())),
      ...Array.from({ length: senders }, async () => this.repeat(async () => this.sendBatch())),
    ]);
    // The error is that of `stop`.
    this.running.catch(() => this.stopping.abort());
  }

  /** Returns what happened since the last call, and begins anew. */
  take(): LoadFigures {
    const { figures } = this;
    this.figures = noFigures();
    return figures;
  }

  /** Whether many reads were answered, and none failed, since the last call that returned otherwise. */
  isWarm(): boolean | object {
    if (this.figures.failedReads.size > 0) return [...this.take().failedReads];
    return this.figures.reads >= WARM_READS;
  }

  /** Resolves when so many more orders have been accepted. */
  async accepts(orders: number): Promise<void> {
    const accepted = (): number => [...this.operations.values()].reduce((sum, count) => sum + count, 0);
    const wanted = accepted() + orders;
    await eventually(`${orders} orders are accepted`, () => accepted() >= wanted);
  }

  /** Resolves when all requests have been answered, and all batches accepted. @throws the reason of an interruption of the run */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async repeat(request: () => Promise<void>): Promise<void> {
    while (!this.stopping.signal.aborted) await Promise.all([request(), delay(EACH_MS)]);
  }

  private async read(): Promise<void> {
    const { figures } = this;
    const path = randomOf([
      '/v1/orders?page=1&pageSize=20',
      '/v1/orders?page=2&pageSize=20',
      '/v1/orders?sort=-createdAt&pageSize=20',
      '/v1/orders/range?from=1&to=20',
      '/v1/operations?pageSize=5',
      '/v1/pipeline',
      `/v1/orders?accountId=${randomAccount()}&pageSize=10`,
    ]);
    const answer = await this.gateway.send('GET', path);
    figures.reads += 1;
    if (answer.status !== 200) countUp(figures.failedReads, describe(path, answer));
  }

  private async sendBatch(): Promise<void> {
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const orders = Array.from({ length: ORDERS_PER_BATCH }, () => anIntakeOrder({ accountId: randomAccount() }));
    const body = JSON.stringify(orders);
    for (;;) {
      const answer = await this.gateway.send('POST', '/v1/orders', { body, headers });
      if (answer.status === 202) {
        const { operationId, items } = JSON.parse(answer.text) as AcceptedOrders;
        countUp(this.operations, operationId, items.length);
        this.figures.accepted += items.length;
        return;
      }
      countUp(this.figures.failedSends, describe('POST /v1/orders', answer));
      await delay(RETRY_MS);
    }
  }
}

/** Returns the figures in one line, and the failures by kind. */
function describeLoad({ reads, failedReads, accepted, failedSends }: LoadFigures): string {
  const sends = `${accepted} orders accepted, failed sends, all cured: ${list(failedSends)}`;
  return `${reads} reads, failed reads: ${list(failedReads)}; ${sends}`;
}

function list(kinds: ReadonlyMap<string, number>): string {
  return kinds.size === 0 ? '0' : [...kinds].map(([what, count]) => `${count} x ${what}`).join(', ');
}

function noFigures(): LoadFigures {
  return { reads: 0, accepted: 0, failedReads: new Map(), failedSends: new Map() };
}

function countUp(counts: Map<string, number>, what: string, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}

function describe(path: string, { status, text }: Answer): string {
  return `${status} ${path.split('?')[0]} ${/"code":"([\w-]+)"/.exec(text)?.[1] ?? text.slice(0, 80)}`;
}

function randomAccount(): string {
  return `swarm-${Math.floor(Math.random() * ACCOUNTS)}`;
}

function randomOf(paths: readonly string[]): string {
  return paths[Math.floor(Math.random() * paths.length)] ?? '';
}

const ORDERS = 10_000;
/** Orders that are accepted while a server is away, or afterwards. */
const ORDERS_MEANWHILE = 2_000;
const CONSUMERS = 4;
const MEMBERS = ['mongodb-1', 'mongodb-2', 'mongodb-3'] as const;
const NOT_ROLLED = new Set(['collector', 'gateway', 'grafana', 'facade', 'prepare', 'servers-ready', 'migrate']);
const APPS = ['producer', 'consumer', 'query-api', 'console'];
const READ = ['/v1/orders', '/v1/operations', '/v1/pipeline'];
const INTERNAL = ['/metrics', '/health/ready', '/query-api/metrics', '/producer/metrics', '/producer/health/live'];
/** What Prometheus scrapes. */
const JOBS = ['producer', 'consumer', 'query-api', 'console', 'swarm-scaler', 'gateway', 'certificates'];
/** Three brokers, three members, the registry and the gateway. */
const CERTIFICATES = 8;

const TargetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels: z.record(z.string(), z.string()), health: z.string(), lastError: z.string() }),
    ),
  }),
});
const ResultSchema = z.object({ data: z.object({ result: z.array(z.unknown()) }) });
const ScalerSchema = z.object({ status: z.number(), body: z.record(z.string(), z.unknown()) });

/** Asks the scaler in the console's container, as the autoscaler would. */
const ASK_SCALER = `
const [method, token, replicas] = process.argv.slice(1);
const authorization = token === 'right' ? 'Bearer ' + require('fs').readFileSync('/run/secrets/scaler-token', 'utf8').trim() : token;
fetch('http://swarm-scaler:3006/consumers/replicas', {
  method,
  headers: { ...(authorization !== '' && { authorization }), ...(replicas && { 'content-type': 'application/json' }) },
  ...(replicas && { body: JSON.stringify({ replicas: Number(replicas) }) }),
}).then(async (response) => console.log(JSON.stringify({ status: response.status, body: await response.json() })));
`;

/** Opens a TLS connection without a certificate at Kafka's port of the operators. */
const CONNECT_TO_KAFKA = `
const socket = require('tls').connect({ host: 'kafka-1', port: 9093, ca: require('fs').readFileSync('/run/authority.pem') });
socket.on('error', (error) => console.log(error.code));
socket.on('close', () => process.exit(0));
socket.on('secureConnect', () => socket.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255])));
socket.on('data', () => console.log('answered'));
setTimeout(() => { console.log('silent'); process.exit(0); }, 5000);
`;

/** Prints the users of MongoDB, as the operator of the set. */
const LIST_USERS = `
const key = require('fs').readFileSync('/run/secrets/mongodb-key', 'utf8').trim();
db.getSiblingDB('local').auth({ user: '__system', pwd: key, mechanism: 'SCRAM-SHA-256' });
print(db.getSiblingDB('admin').getUsers().users.map(({ user }) => user).join(' '));
`;

/** What must hold of a swarm that runs, and what its operator does with it while clients use it. Each step is a check. */
export class DeployedSwarm {
  private readonly orders: OrderChecks;

  constructor(
    private readonly operator: Operator,
    private readonly check: Check,
    private readonly gateway: ApiClient,
    private readonly options: SwarmOptions,
  ) {
    this.orders = new OrderChecks(gateway);
  }

  async isProtected(): Promise<void> {
    const { check, operator } = this;
    await check('the gateway: one origin, tokens, limits, nothing internal', () => this.gatewayProtects());
    await check('servers refuse clients without TLS, a user, or a right', async () => {
      const plain = await operator
        .mongosh('mongodb-1', 'db.hello().ok', false)
        .catch((error: unknown) => String(error));
      assert.doesNotMatch(plain, /^1$/);
      const read =
        "try { db.getSiblingDB('orders').orders.findOne(); print('read') } catch (error) { print(error.codeName) }";
      assert.equal(await operator.mongosh('mongodb-1', read), 'Unauthorized');
      const refused = await operator.inside('console', 'node', '-e', CONNECT_TO_KAFKA);
      assert.match(refused, /CERTIFICATE_REQUIRED|ECONNRESET|^$/);
    });
    await check(`populate ${ORDERS}: all are saved`, async () => this.hold(await this.orders.populate(ORDERS)));
    await check('every service exports its traces', async () => {
      await eventually('the collector has some of each', async () => {
        const exported = new Set(await operator.lines('service', 'logs', '--raw', 'orders_collector'));
        return APPS.every((app) => exported.has(`orders-${app}`)) || [...exported];
      });
    });
    await check('Prometheus reaches every service', async () => {
      await eventually('every target is up', async () => {
        const { data } = TargetsSchema.parse(await this.prometheus('targets'));
        const down = data.activeTargets.filter(({ health }) => health !== 'up');
        const found = new Set(data.activeTargets.map(({ labels }) => labels['job']));
        const missing = JOBS.filter((job) => !found.has(job));
        return (down.length === 0 && missing.length === 0) || { missing, down };
      });
    });
    await check('Prometheus sees the expiry of every certificate', async () => {
      await eventually('every certificate has an expiry', async () => {
        const expiries = encodeURIComponent('probe_ssl_earliest_cert_expiry > time() + 300 * 86400');
        const { data } = ResultSchema.parse(await this.prometheus(`query?query=${expiries}`));
        return data.result.length === CERTIFICATES || { found: data.result.length };
      });
    });
  }

  /**
   * Runs the groups of steps under load. They do not depend on each other, so that one run shows all that fails.
   * @returns the failures, each of which has been printed and counted
   */
  async operate(): Promise<unknown[]> {
    const load = new SwarmLoad(this.gateway, this.options);
    await this.check('clients begin: the new tasks keep up with them', async () =>
      eventually('no read of many fails', () => load.isWarm()),
    );
    const groups: Record<Group, (load: SwarmLoad) => Promise<void>> = {
      update: async () => this.update(load),
      fail: async () => this.fail(load),
      scale: async () => this.scale(load),
      rotate: async () => this.rotate(load),
      backup: async () => this.backUp(),
    };
    const failures: unknown[] = [];
    for (const name of this.options.steps) await groups[name](load).catch((error: unknown) => failures.push(error));
    await this.check('every accepted order is saved, and reconcile holds', async () => {
      await load.stop();
      for (const [id, count] of load.operations) await this.hold({ id, count });
    });
    return failures;
  }

  private async update(load: SwarmLoad): Promise<void> {
    const { check, operator } = this;
    const { services } = this.options;
    const title = services.length === 0 ? 'every service but the gateway' : services.join(', ');
    await check(`rolling update of ${title} under load: 0 failed reads`, async () =>
      this.withoutFailedReads(load, async () => {
        const before = await operator.tasks();
        const isWanted = (name: string): boolean => services.length === 0 || services.includes(name);
        const rolled = [...before.keys()].filter((name) => !NOT_ROLLED.has(name) && isWanted(name));
        assert.ok(rolled.length >= services.length, `there are ${rolled.join(', ')} only`);
        const changed = Object.fromEntries(rolled.map((name) => [name, { environment: { ROLLED: 'once' } }]));
        const file = await operator.file('rolled.yml', JSON.stringify({ services: changed }));
        operator.keep(['--file', file], services.length === 0 ? await this.newImage() : {});
        await this.print('up');
        const after = await operator.tasks();
        const kept = rolled.filter((name) => before.get(name)?.some((task) => after.get(name)?.includes(task)));
        assert.deepEqual(kept, [], 'services with a task of before');
      }),
    );
    await check('an image of the query APIs that does not start: Swarm rolls it back, 0 failed reads', async () =>
      this.withoutFailedReads(load, async () => {
        const image = '{{.Spec.TaskTemplate.ContainerSpec.Image}}';
        const before = await operator.inspect('query-api', image);
        const broken = ['--image', 'orders-pipeline:broken', 'orders_query-api'];
        await operator.docker('service', 'update', '--detach', ...broken);
        await operator.isUpdated('query-api', 'rollback_completed');
        assert.equal(await operator.inspect('query-api', image), before);
      }),
    );
  }

  private async fail(load: SwarmLoad): Promise<void> {
    const { check, operator } = this;
    await check('a broker is killed: orders are accepted, and it comes back', async () => {
      load.take();
      const killed = await operator.kill('kafka-2');
      await load.accepts(ORDERS_MEANWHILE);
      await operator.isBack('kafka-2', killed);
      console.log(describeLoad(load.take()));
    });
    await check('the primary of MongoDB is killed: another one takes over, and orders are accepted', async () => {
      const before = await this.primary();
      assert.ok(before, 'MongoDB has a primary');
      const killed = await operator.kill(before);
      await eventually('another member is primary', async () => {
        const now = await this.primary(MEMBERS.find((name) => name !== before));
        return (now !== undefined && now !== before) || { now };
      });
      await operator.isBack(before, killed);
      await load.accepts(ORDERS_MEANWHILE);
      console.log(describeLoad(load.take()));
    });
  }

  private async scale(load: SwarmLoad): Promise<void> {
    const { check, operator, gateway } = this;
    await this.withoutFailedReads(load, async () => {
      await check(`service scale consumer=${CONSUMERS}: the console sees as many`, async () => {
        await operator.docker('service', 'scale', `orders_consumer=${CONSUMERS}`);
        await this.orders.consumersShare(CONSUMERS);
      });
      await check('swarm-scaler: needs its token', async () => {
        for (const token of ['', 'Bearer another-token-of-more-than-thirty-two-characters'])
          for (const [method, replicas] of [['GET'], ['PUT', 3]] as const)
            assert.equal((await this.askScaler(method, token, replicas)).status, 401);
        assert.equal((await this.askScaler('GET', 'right')).status, 200);
      });
      await check('swarm-scaler: keeps its bounds', async () => {
        for (const replicas of [0, 13]) {
          const { status, body } = await this.askScaler('PUT', 'right', replicas);
          assert.deepEqual([status, body['code']], [409, 'beyond-bounds']);
        }
        assert.equal((await this.askScaler('PUT', 'right', 1.5)).status, 400);
      });
      await check('swarm-scaler: sets the replicas, and nothing else', async () => {
        const template = '{{json .Spec.TaskTemplate}}';
        const before = await operator.inspect('consumer', template);
        const { status, body } = await this.askScaler('PUT', 'right', CONSUMERS - 1);
        assert.deepEqual([status, body['replicas']], [200, CONSUMERS - 1]);
        await this.runConsumers(CONSUMERS - 1);
        assert.equal(await operator.inspect('consumer', template), before);
      });
      // The minimum is above the running number, which the autoscaler corrects; `CONSUMERS` does not count then. The next script turns it off.
      await check('the autoscaler sets the consumers through swarm-scaler', async () => {
        await operator.run('up', [], { AUTOSCALE: 'on', CONSUMERS: '1', CONSUMERS_MIN: String(CONSUMERS) });
        await this.runConsumers(CONSUMERS);
        const { items } = await gateway.json<DecisionPage>('GET', '/v1/pipeline/autoscaling/decisions');
        const isDecided = items.some(({ to, reason }) => to === CONSUMERS && reason === 'limits');
        assert.ok(isDecided, JSON.stringify(items));
      });
    });
  }

  private async rotate(load: SwarmLoad): Promise<void> {
    await this.check('rotate user:query-api under load: 0 failed reads, and the user before is gone', async () =>
      this.withoutFailedReads(load, async () => {
        await this.print('rotate', 'user:query-api');
        const users = (await this.operator.mongosh((await this.primary()) ?? '', LIST_USERS)).split(/\s+/);
        const found = ['orders-query-api-1', 'orders-query-api-2'].map((name) => users.includes(name));
        assert.deepEqual(found, [false, true]);
      }),
    );
  }

  private async backUp(): Promise<void> {
    await this.check('backup: a complete folder', async () => {
      const folder = join(this.operator.directory, 'backup');
      await this.print('backup', folder);
      const files = new Set([...(await readdir(join(folder, 'database'))), ...(await readdir(folder))]);
      for (const name of ['manifest.json', 'schemas.zip']) assert.ok(files.has(name), `${name} is in the backup`);
      await rm(folder, { recursive: true });
    });
  }

  /** What the gateway passes on, and what it keeps from clients. */
  private async gatewayProtects(): Promise<void> {
    const { gateway } = this;
    const page = await gateway.send('GET', '/', { token: false });
    assert.match(page.text, /<orders-console>/);
    assert.match(String(page.headers['strict-transport-security']), /^max-age=\d+/);
    for (const path of [...READ, '/docs-json', '/producer/docs-json'])
      assert.equal((await gateway.send('GET', path)).status, 200, path);
    for (const path of READ) assert.equal((await gateway.send('GET', path, { token: false })).status, 401, path);
    for (const path of INTERNAL) assert.equal((await gateway.send('GET', path)).status, 404, path);
    const large = await gateway.send('POST', '/v1/populate', { body: ' '.repeat(3 * 1024 * 1024) });
    assert.equal(large.status, 413);
    const long = await gateway.send('GET', '/v1/orders', { headers: { 'x-long': 'x'.repeat(40_000) } });
    // Caddy also closes the connection, which the client may notice before the answer.
    assert.ok([0, 431].includes(long.status), `got ${long.status}`);
    const { hostname, port } = new URL(gateway.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    assert.match(answer.toString(), /^HTTP\/1\.[01] 400/);
  }

  /** Resolves when all orders of an operation are saved, and reconcile has compared them. */
  private async hold(operation: Pick<Operation, 'id' | 'count'>): Promise<void> {
    await this.orders.areSaved(operation);
    const reconcile = ['node', 'dist/apps/admin/src/main.js', 'reconcile', operation.id];
    console.log(await this.operator.inside('producer', ...reconcile));
  }

  private async withoutFailedReads(load: SwarmLoad, run: () => Promise<void>): Promise<void> {
    load.take();
    await run();
    const figures = load.take();
    console.log(describeLoad(figures));
    assert.deepEqual([...figures.failedReads], []);
  }

  private async print(script: string, ...args: string[]): Promise<void> {
    console.log(await this.operator.run(script, args));
  }

  private async newImage(): Promise<Record<string, string>> {
    for (const suffix of ['', '-dev-issuer'])
      await this.operator.docker('tag', `orders-pipeline:tested${suffix}`, `orders-pipeline:next${suffix}`);
    return { ORDERS_IMAGE: 'orders-pipeline:next' };
  }

  /** Returns the service of MongoDB's primary, as a member sees it. */
  private async primary(member: string = MEMBERS[0]): Promise<string | undefined> {
    const host = await this.operator.mongosh(member, 'print(db.hello().primary)').catch(() => '');
    return /^(?<name>mongodb-\d):27017$/.exec(host.trim())?.groups?.['name'];
  }

  private async prometheus(path: string): Promise<unknown> {
    const url = `http://127.0.0.1:9090/api/v1/${path}`;
    return JSON.parse(await this.operator.inside('prometheus', 'wget', '-q', '-O', '-', url));
  }

  private async runConsumers(replicas: number): Promise<void> {
    await eventually(`${replicas} consumers run`, async () => {
      const found = (await this.askScaler('GET', 'right')).body;
      return found['running'] === replicas || found;
    });
  }

  private async askScaler(
    method: 'GET' | 'PUT',
    token: string,
    replicas?: number,
  ): Promise<z.infer<typeof ScalerSchema>> {
    const args = [method, token, ...(replicas === undefined ? [] : [String(replicas)])];
    return ScalerSchema.parse(JSON.parse(await this.operator.inside('console', 'node', '-e', ASK_SCALER, ...args)));
  }
}
