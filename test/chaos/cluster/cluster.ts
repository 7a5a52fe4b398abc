import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MongoClient } from 'mongodb';
import { signalIfRunning } from '../../../dev/machine/process-table.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { DataDirectory } from '../../../dev/servers/data-directory.js';
import { EmbeddedServers, type ServerAddresses } from '../../../dev/servers/embedded-servers.js';
import { provideParts } from '../../../dev/parts/embedded-parts.js';
import type { Kafka } from 'kafkajs';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { quietKafka } from '../../support/topic-writer.js';
import { ClusterApps } from './cluster-apps.js';
import { createLayout, MONGODB_MEMBERS, type ClusterLayout } from './ground.js';
import { Links } from './links.js';
import { primaryOf } from './primary-of.js';
import type { SmallDisk } from './small-disk.js';
import { serverDisks, type ServerDisks } from './server-disks.js';

const ALL = { kafka: true, registry: true, mongodb: true };
const STOP_BUDGET_MS = 15_000;

export interface ClusterOptions {
  /** Folder for data and logs; created, and kept after the run. */
  readonly directory: string;
  /** Total number of orders, for which the small disks must have room. */
  readonly orders: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The product under test, which runs on the servers. */
export interface Product {
  /** Folder of the compiled product. */
  readonly directory: string;
  readonly consumers: number;
  /** See `ClusterAppsOptions.copies`. */
  readonly copies: number;
  readonly partitions: number;
  /** Settings of the apps, besides the server addresses. */
  readonly settings: NodeJS.ProcessEnv;
  /** MongoDB database; one per product that runs on the same servers. */
  readonly database: string;
  /** See `ClusterAppsOptions.onEnded`. */
  readonly onEnded: (name: string, how: string, wasTold: boolean) => void;
  /** Called for each server that ends by itself; it is started again. */
  readonly onServerEnded: (how: string) => void;
}

/**
 * Runs the whole pipeline, replicated, on one machine: three Kafka nodes, three MongoDB members, a registry, two producers, two query
 * APIs and consumers. Each is a process that can be killed, stopped and started. Each app has its own link to each server.
 */
export class Cluster {
  /** Direct connection, like `mongo`. */
  readonly kafka: Kafka;
  /** Kills all processes when the run exits at once: its data are not needed, so no app has to drain. */
  private readonly atExit = (): void => {
    for (const { pid } of this.running()) signalIfRunning(pid, 'SIGKILL');
  };
  private current:
    | { readonly apps: ClusterApps; readonly mongo: Mongo; readonly attemptsDirectory: string }
    | undefined;
  private onServerEnded: (how: string) => void = () => undefined;

  private constructor(
    readonly servers: EmbeddedServers,
    readonly links: Links,
    private readonly layout: ClusterLayout,
    private readonly addresses: ServerAddresses,
    private readonly data: DataDirectory,
    private readonly disks: ServerDisks,
    private readonly print: (line: string) => void,
  ) {
    this.kafka = quietKafka(this.brokers);
    process.on('exit', this.atExit);
  }

  get brokers(): string {
    return this.addresses.KAFKA_BROKERS ?? '';
  }

  get hasSmallDisks(): boolean {
    return this.disks.size > 0;
  }

  /** Apps of the running product. @throws Error if no product runs */
  get apps(): ClusterApps {
    return this.product.apps;
  }

  /** Direct connection, not over a link, so that the run observes the pipeline undisturbed. @throws Error if no product runs */
  get mongo(): Mongo {
    return this.product.mongo;
  }

  /** Folder of what the consumers of the running product have recorded. @throws Error if no product runs */
  get attemptsDirectory(): string {
    return this.product.attemptsDirectory;
  }

  private get product() {
    if (this.current === undefined) throw new Error('no product runs on the servers');
    return this.current;
  }

  /** Resolves when all servers are ready. @throws StackError if they can't start; no process is left running then */
  static async start({ directory, orders, print, signal }: ClusterOptions): Promise<Cluster> {
    await mkdir(directory, { recursive: true });
    const data = await DataDirectory.open(directory, print);
    const parts = await provideParts(ALL, print, signal);
    const disks = await serverDisks(directory, orders);
    const links = new Links();
    let servers: EmbeddedServers | undefined;
    try {
      const layout = await createLayout(links);
      let cluster: Cluster | undefined;
      const reportEnd = (how: string): void => {
        print(how);
        cluster?.onServerEnded(how);
      };
      const events = { onEnded: reportEnd, onRecovered: print };
      servers = await EmbeddedServers.of(layout.servers, data, parts, events);
      await servers.start((name) => print(`${name} is ready`));
      signal.throwIfAborted();
      cluster = new Cluster(servers, links, layout, await servers.addresses(), data, disks, print);
      return cluster;
    } catch (error) {
      await servers?.stop(STOP_BUDGET_MS);
      await links.close();
      for (const disk of disks.values()) await disk.remove();
      data.close();
      throw error;
    }
  }

  /** Starts a product; resolves when all its apps are ready. `endProduct` must be called even after a failure. */
  async run({ directory, consumers, settings, database, onServerEnded, ...product }: Product): Promise<void> {
    const uri = (this.addresses.MONGODB_URI ?? '').replace('/orders?', `/${database}?`);
    const addresses = { ...this.addresses, MONGODB_URI: uri };
    const attemptsDirectory = join(this.data.path, `attempts-${database}`);
    await mkdir(attemptsDirectory, { recursive: true });
    const apps = new ClusterApps({
      directory: this.data.path,
      productDirectory: directory,
      partitions: product.partitions,
      copies: product.copies,
      settings,
      print: this.print,
      onEnded: product.onEnded,
      addresses,
      data: this.data,
      guard: this.servers.guard,
      environmentOf: (app) => ({
        NODE_OPTIONS: preloadsOf(app)
          .map((path) => `--import ${preloadUrl(path)}`)
          .join(' '),
        REDIRECTED_PORTS: JSON.stringify(this.layout.redirections.get(app)),
        CLOCK_SHIFT_FILE: this.clockFile(app),
        PRODUCT_DIRECTORY: directory,
        ATTEMPTS_FILE: join(attemptsDirectory, app),
      }),
    });
    this.onServerEnded = onServerEnded;
    this.current = { apps, mongo: new Mongo(uri, 'chaos'), attemptsDirectory };
    await migrateAt(uri);
    await apps.start(consumers);
  }

  /** Stops the product in any state: first resumes paused processes and opens all links. */
  async endProduct(): Promise<void> {
    this.links.openAll();
    this.wakeAll();
    await this.current?.mongo.client.close();
    await this.current?.apps.stop();
    this.current = undefined;
  }

  /** @throws RangeError if no process of this name runs */
  pid(name: string): number {
    const found = this.data.records.running().find((record) => record.name === name);
    if (found === undefined) throw new RangeError(`no process named ${name} runs`);
    return found.pid;
  }

  /** All running processes. */
  running(): { readonly name: string; readonly pid: number }[] {
    return this.data.records.running();
  }

  /** Kills an app with SIGKILL. */
  killApp(name: string): void {
    this.apps.kill(name);
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
    return join(this.data.path, `${app}.clock`);
  }

  /** Makes a member flush all its data to disk. Also resolves if the flush ends the member. */
  async checkpoint(member: string): Promise<void> {
    const port = this.layout.servers.ports.mongodb + MONGODB_MEMBERS.indexOf(member);
    const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`;
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: 2_000, socketTimeoutMS: 5_000 });
    await Promise.allSettled([client.db('admin').command({ fsync: 1 })]);
    await client.close();
  }

  /** Name of MongoDB's current primary. */
  async primary(): Promise<string> {
    return MONGODB_MEMBERS[await primaryOf(this.mongo.db)] ?? '';
  }

  /** Resumes paused processes, since these can't handle SIGTERM. */
  private wakeAll(): void {
    for (const { pid } of this.running()) signalIfRunning(pid, 'SIGCONT');
  }

  /** Stops everything. @returns the names of processes that still run */
  async stop(): Promise<string[]> {
    process.off('exit', this.atExit);
    await this.endProduct();
    await this.servers.stop(STOP_BUDGET_MS);
    await this.links.close();
    const left = this.running().map(({ name }) => name);
    for (const disk of this.disks.values()) await disk.remove();
    this.data.close();
    return left;
  }
}

function preloadsOf(app: string): string[] {
  const all = ['cluster/redirect-connections', 'cluster/shifted-clock'];
  return app.startsWith('consumer') ? [...all, 'attempts/record-attempts'] : all;
}

/** URL of a compiled module of the chaos run. */
function preloadUrl(path: string): string {
  return pathToFileURL(join(PROJECT_DIRECTORY, 'dist/test/chaos', `${path}.js`)).href;
}
