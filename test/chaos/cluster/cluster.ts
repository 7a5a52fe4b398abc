import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Kafka } from 'kafkajs';
import { MongoClient } from 'mongodb';
import { isDatabaseUnavailable } from '#service/mongodb/mongo-errors.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { freePortsInARow } from '../../../dev/machine/ports.js';
import { signalIfRunning } from '../../../dev/machine/processes.js';
import { isReady } from '../../../dev/migration-journey/operator.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import type { EmbeddedServers, ServerLayout } from '../../../dev/servers/embedded-servers.js';
import type { App, RunningApps } from '../../../dev/supervisor/apps.js';
import { TemporaryStack, type TemporaryStackPlan } from '../../../dev/supervisor/temporary-stack.js';
import { eventually } from '../../support/eventually.js';
import { quietKafka } from '../../support/topic-writer.js';
import { type History, holdsWithin } from '../history.js';
import { Links, PEERS } from './link.js';
import { redirectSockets } from './redirected-sockets.js';
import { serverDisks, type SmallDisk } from './small-disk.js';

const DRAIN_BUDGET_MS = 20_000;
const READY_WITHIN_MS = 30_000;
const NODES = [1, 2, 3];
const SERVICES = ['producer', 'producer-2', 'query-api', 'query-api-2'];
const SETTINGS = { SAVE_DELAY_MS: '0..200', IN_FLIGHT_LIMIT: '1000', RATE_LIMIT_PER_MINUTE: '0' };
export const PARTITIONS = 12;
export const MAX_CONSUMERS = 6;
export const KAFKA_NODES = NODES.map((n) => `Kafka-${n}`);
export const MONGODB_MEMBERS = NODES.map((n) => `MongoDB-${n}`);
export const REGISTRY = 'schema registry';

/** Names of all possible apps. */
export function appNames(consumers: number): string[] {
  return [...SERVICES, ...Array.from({ length: consumers }, (_, at) => `consumer-${at + 1}`)];
}

/** Starts the servers of a run, in its folder. All processes are killed when the run exits at once: no app has to drain. */
export async function startServers(
  directory: string,
  flags: readonly string[],
  plan: Omit<TemporaryStackPlan, 'tool'>,
): Promise<TemporaryStack> {
  const common = { tool: 'orders-chaos', dataDirectory: directory, flags: [...flags, '--servers-only'] };
  const servers = await TemporaryStack.start({ ...common, env: process.env, ...plan });
  process.on('exit', () => servers.kill());
  return servers;
}

/** Stops all apps in any state: opens all links, and resumes suspended processes, since these can't handle SIGTERM. */
export async function stopApps(servers: TemporaryStack, links: Links): Promise<void> {
  links.openAll();
  for (const { pid } of servers.processes()) signalIfRunning(pid, 'SIGCONT');
  await servers.stack.stopApps();
}

/** Returns the option of Node.js that preloads modules of the chaos run, by their paths in its folder. */
export function preloading(...modules: readonly string[]): string {
  const folder = join(PROJECT_DIRECTORY, 'dist/test/chaos');
  return modules.map((path) => `--import ${pathToFileURL(join(folder, `${path}.js`)).href}`).join(' ');
}

/** Reads a figure of an app; `undefined` while it hangs or starts, and if it has no such figure. @param pattern the figure is its first group */
export async function readMetric(url: string, pattern: RegExp, timeoutMs = 3_000): Promise<number | undefined> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
    const found = pattern.exec(await response.text())?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    // The app hangs, has ended or is starting.
    return undefined;
  }
}

/** The ports and links of a cluster. */
interface ClusterLayout {
  /** As environment variables of `npm start`. */
  readonly ports: Readonly<Record<'KAFKA_PORT' | 'REGISTRY_PORT' | 'MONGODB_PORT', string>>;
  readonly peers: NonNullable<ServerLayout['peers']>;
  /** For each app: a map from advertised ports to the ports of the app's own links. */
  readonly redirections: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** Assigns ports to all servers, and creates a link from each app to each server and from each server's peers to it. */
async function createLayout(links: Links): Promise<ClusterLayout> {
  const kafka = await freePortsInARow(NODES.length);
  const registry = await freePortsInARow(1);
  const mongodb = await freePortsInARow(NODES.length);
  const places = [{ name: REGISTRY, listens: registry, advertised: registry }];
  const kafkaPeers = [];
  for (const [at, name] of KAFKA_NODES.entries()) {
    const listens = await freePortsInARow(1);
    kafkaPeers.push({ listens, found: await links.add(PEERS, name, listens) });
    places.push({ name, listens: kafka + at, advertised: kafka + at });
  }
  const mongodbPeers: number[] = [];
  for (const [at, name] of MONGODB_MEMBERS.entries()) {
    const advertised = await links.add(PEERS, name, mongodb + at);
    mongodbPeers.push(advertised);
    places.push({ name, listens: mongodb + at, advertised });
  }
  const redirections = new Map<string, Record<string, number>>();
  for (const app of appNames(MAX_CONSUMERS)) {
    const own: Record<string, number> = {};
    for (const { name, listens, advertised } of places) own[String(advertised)] = await links.add(app, name, listens);
    redirections.set(app, own);
  }
  // The run itself must reach MongoDB directly, even while the members' peers can't.
  redirectSockets(new Map(mongodbPeers.map((advertised, at) => [advertised, mongodb + at])));
  const ports = { KAFKA_PORT: String(kafka), REGISTRY_PORT: String(registry), MONGODB_PORT: String(mongodb) };
  return { ports, peers: { kafka: kafkaPeers, mongodb: mongodbPeers }, redirections };
}

export interface ClusterOptions extends Required<Pick<TemporaryStackPlan, 'print' | 'signal'>> {
  /** Folder for data and logs; created, and kept after the run. */
  readonly directory: string;
  /** Total number of orders, for which the small disks must have room. */
  readonly orders: number;
}

/** The product under test, which runs on the servers. */
export interface Product {
  /** Folder of the compiled product. Default: that of this project. */
  readonly directory?: string;
  /** Outside scaling faults. Default: 3. */
  readonly consumers?: number;
  /** How many producers and query APIs run: 1 or 2 of each, the default. */
  readonly copies?: number;
  /** Settings of the apps, besides those of every run. */
  readonly settings?: NodeJS.ProcessEnv;
  /** MongoDB database; one per product that runs on the same servers. Default: `orders`. */
  readonly database?: string;
}

interface RunningProduct {
  readonly mongo: Mongo;
  /** Number of consumers outside scaling faults. */
  readonly desiredConsumers: number;
  /** Folder of what the consumers have recorded. */
  readonly attemptsDirectory: string;
  readonly onServerEnded: (how: string) => void;
}

/**
 * Runs the whole pipeline, replicated, on one machine: three Kafka nodes, three MongoDB members, a registry, two producers, two query
 * APIs and consumers. Each is a process that can be killed, stopped and started. Each app has its own link to each server.
 */
export class Cluster {
  /** Direct connection, like that to MongoDB. */
  readonly kafka: Kafka;
  readonly positions: KafkaPositions;
  private current: RunningProduct | undefined;

  private constructor(
    private readonly stack: TemporaryStack,
    readonly links: Links,
    private readonly layout: ClusterLayout,
    private readonly disks: ReadonlyMap<string, SmallDisk>,
  ) {
    this.kafka = quietKafka(this.brokers);
    this.positions = new KafkaPositions(this.kafka);
  }

  get brokers(): string {
    return this.stack.addresses.KAFKA_BROKERS;
  }

  get servers(): EmbeddedServers {
    return this.stack.servers;
  }

  get hasSmallDisks(): boolean {
    return this.disks.size > 0;
  }

  /** The apps that run or are starting. An app that ends by itself is restarted, as in `npm start`. */
  get apps(): RunningApps {
    return this.stack.apps;
  }

  /** The apps of a kind that run or are starting. */
  of(job: 'producer' | 'consumer' | 'query-api'): App[] {
    return this.apps.all.filter((app) => app.job === job);
  }

  /** What runs on the servers, with a direct connection to MongoDB, not over a link: the run observes it undisturbed. @throws Error if nothing does */
  get product(): RunningProduct {
    if (this.current === undefined) throw new Error('no product runs on the servers');
    return this.current;
  }

  get mongo(): Mongo {
    return this.product.mongo;
  }

  /** Resolves when all servers are ready. @throws StackError if they can't start; no process is left running then */
  static async start({ directory, orders, print, signal }: ClusterOptions): Promise<Cluster> {
    await mkdir(directory, { recursive: true });
    const disks = await serverDisks(directory, orders);
    const links = new Links();
    let cluster: Cluster | undefined;
    try {
      const layout = await createLayout(links);
      const { ports, peers } = layout;
      const onServerEnded = (how: string): void => cluster?.current?.onServerEnded(how);
      const stack = await startServers(directory, ['--replicated'], { ports, peers, onServerEnded, print, signal });
      cluster = new Cluster(stack, links, layout, disks);
      return cluster;
    } catch (error) {
      await links.close();
      for (const disk of disks.values()) await disk.remove();
      throw error;
    }
  }

  /** Starts a product; resolves when all its apps are ready. `endProduct` must be called even after a failure. */
  async run(product: Product, history: History): Promise<void> {
    const { directory = join(PROJECT_DIRECTORY, 'dist'), consumers = 3, copies = 2, database = 'orders' } = product;
    const uri = this.stack.addresses.MONGODB_URI.replace('/orders?', `/${database}?`);
    const attemptsDirectory = join(this.stack.directory, `attempts-${database}`);
    await mkdir(attemptsDirectory, { recursive: true });
    await migrateAt(uri);
    this.current = {
      mongo: new Mongo(uri, 'chaos'),
      desiredConsumers: consumers,
      attemptsDirectory,
      onServerEnded: (how) => history.add({ type: 'server-ended', how }),
    };
    const preloads = ['cluster/redirect-connections', 'cluster/shifted-clock'];
    await this.stack.stack.startApps({
      productDirectory: directory,
      onEnded: (name, how, wasRequested) => history.add({ type: 'app-ended', name, how, wasRequested }),
      apps: { producer: copies, 'query-api': copies, console: 0, consumer: consumers },
      envOf: (app) => ({
        // Each app takes any free port: only this run needs to find it.
        PORT: '0',
        LOG_LEVEL: 'info',
        ...SETTINGS,
        ...product.settings,
        MONGODB_URI: uri,
        TOPIC_PARTITIONS: String(PARTITIONS),
        NODE_OPTIONS: preloading(...preloads, ...(app.startsWith('consumer') ? ['record-attempts'] : [])),
        REDIRECTED_PORTS: JSON.stringify(this.layout.redirections.get(app)),
        CLOCK_SHIFT_FILE: this.clockFile(app),
        PRODUCT_DIRECTORY: directory,
        ATTEMPTS_FILE: join(attemptsDirectory, app),
      }),
    });
  }

  /** Stops the product in any state. */
  async endProduct(): Promise<void> {
    if (this.current === undefined) return;
    await this.current.mongo.client.close();
    await stopApps(this.stack, this.links);
    this.current = undefined;
  }

  /** All running processes. */
  running(): { readonly name: string; readonly pid: number }[] {
    return this.stack.processes();
  }

  /** Starts or drains consumers, in the background, to reach the given number. Default: the number outside faults. */
  scale(consumers = this.product.desiredConsumers): void {
    this.stack.stack.scale(consumers);
  }

  /** Drains an app, starts it again, and waits up to 30 s until it is ready. */
  async restart(app: App): Promise<void> {
    const before = app.url;
    await app.restart(DRAIN_BUDGET_MS);
    await holdsWithin(
      READY_WITHIN_MS,
      async () => app.url !== undefined && app.url !== before && (await isReady(app.url)),
    );
  }

  /** @throws RangeError for a server without a disk of its own */
  diskOf(server: string): SmallDisk {
    const disk = this.disks.get(server);
    if (disk === undefined) throw new RangeError(`${server} has no disk of its own`);
    return disk;
  }

  /** Sets an app's clock off by `byMs` milliseconds. */
  async shiftClock(app: string, byMs: number): Promise<void> {
    await writeFile(this.clockFile(app), String(byMs));
  }

  private clockFile(app: string): string {
    return join(this.stack.directory, `${app}.clock`);
  }

  /** Makes a member flush all its data to disk. Also resolves if the flush ends the member. */
  async checkpoint(member: string): Promise<void> {
    const port = Number(this.layout.ports.MONGODB_PORT) + MONGODB_MEMBERS.indexOf(member);
    const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`;
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: 2_000, socketTimeoutMS: 5_000 });
    await Promise.allSettled([client.db('admin').command({ fsync: 1 })]);
    await client.close();
  }

  /**
   * Waits until MongoDB has a primary, and returns its name. Retries here too, since the driver does not retry a command whose connection ends
   * during the write.
   */
  async primary(): Promise<string> {
    let found: string | undefined;
    await eventually('MongoDB has a primary', async () => {
      try {
        const hello = await this.mongo.db.admin().command({ hello: 1 }, { readPreference: 'primaryPreferred' });
        found = MONGODB_MEMBERS[(hello['hosts'] as string[]).indexOf(String(hello['primary']))];
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
      }
      return found !== undefined;
    });
    return found ?? '';
  }

  /** Stops everything. @returns the names of processes that still run */
  async stop(): Promise<string[]> {
    await this.endProduct();
    await this.positions.close();
    await this.links.close();
    const left = await this.stack.end();
    for (const disk of this.disks.values()) await disk.remove();
    return left;
  }
}
