import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MongoClient } from 'mongodb';
import { signalIfRunning } from '../../../dev/machine/process-table.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import type { EmbeddedServers } from '../../../dev/servers/embedded-servers.js';
import { TemporaryStack } from '../../../dev/supervisor/temporary-stack.js';
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
  /** How many producers and query APIs run: 1 or 2 of each. */
  readonly copies: number;
  readonly partitions: number;
  /** Settings of the apps, besides the server addresses. */
  readonly settings: NodeJS.ProcessEnv;
  /** MongoDB database; one per product that runs on the same servers. */
  readonly database: string;
  /** Called for an app that ended without being stopped or killed, and for one that was stopped (`wasTold`) and did not end cleanly. */
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
    private readonly stack: TemporaryStack,
    readonly links: Links,
    private readonly layout: ClusterLayout,
    private readonly disks: ServerDisks,
  ) {
    this.kafka = quietKafka(this.brokers);
    process.on('exit', this.atExit);
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
    const disks = await serverDisks(directory, orders);
    const links = new Links();
    let cluster: Cluster | undefined;
    try {
      const layout = await createLayout(links);
      const stack = await TemporaryStack.start({
        tool: 'orders-chaos',
        dataDirectory: directory,
        flags: ['--replicated', '--servers-only'],
        env: process.env,
        ports: layout.ports,
        peers: layout.peers,
        onServerEnded: (how) => cluster?.onServerEnded(how),
        print,
        signal,
      });
      cluster = new Cluster(stack, links, layout, disks);
      return cluster;
    } catch (error) {
      await links.close();
      for (const disk of disks.values()) await disk.remove();
      throw error;
    }
  }

  /** Starts a product; resolves when all its apps are ready. `endProduct` must be called even after a failure. */
  async run({ directory, consumers, copies, partitions, settings, database, ...product }: Product): Promise<void> {
    const uri = this.stack.addresses.MONGODB_URI.replace('/orders?', `/${database}?`);
    const attemptsDirectory = join(this.stack.directory, `attempts-${database}`);
    await mkdir(attemptsDirectory, { recursive: true });
    this.onServerEnded = product.onServerEnded;
    await migrateAt(uri);
    const apps = new ClusterApps(this.stack.stack, consumers);
    this.current = { apps, mongo: new Mongo(uri, 'chaos'), attemptsDirectory };
    await this.stack.stack.startApps({
      productDirectory: directory,
      onEnded: product.onEnded,
      apps: { producer: copies, 'query-api': copies, console: 0, consumer: consumers },
      envOf: (app) => ({
        // Each app takes any free port: only this run needs to find it.
        PORT: '0',
        LOG_LEVEL: 'info',
        ...settings,
        MONGODB_URI: uri,
        TOPIC_PARTITIONS: String(partitions),
        NODE_OPTIONS: preloadsOf(app)
          .map((path) => `--import ${preloadUrl(path)}`)
          .join(' '),
        REDIRECTED_PORTS: JSON.stringify(this.layout.redirections.get(app)),
        CLOCK_SHIFT_FILE: this.clockFile(app),
        PRODUCT_DIRECTORY: directory,
        ATTEMPTS_FILE: join(attemptsDirectory, app),
      }),
    });
  }

  /** Stops the product in any state: first resumes paused processes and opens all links. */
  async endProduct(): Promise<void> {
    this.links.openAll();
    this.wakeAll();
    await this.current?.mongo.client.close();
    if (this.current !== undefined) await this.stack.stack.stopApps();
    this.current = undefined;
  }

  /** @throws RangeError if no process of this name runs */
  pid(name: string): number {
    const found = this.running().find((record) => record.name === name);
    if (found === undefined) throw new RangeError(`no process named ${name} runs`);
    return found.pid;
  }

  /** All running processes. */
  running(): { readonly name: string; readonly pid: number }[] {
    return this.stack.processes();
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
    await this.links.close();
    const left = await this.stack.end();
    for (const disk of this.disks.values()) await disk.remove();
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
