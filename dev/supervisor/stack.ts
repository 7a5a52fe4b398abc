import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { timeLimit } from '#orders/time-limit.js';
import { explainConnection } from '#service/availability/explain-connection.js';
import { migrateAt, type MigrationOptions } from '#service/mongodb/migrate-database.js';
import { fileVariable, readGivenSettings } from '#service/settings/settings.js';
import { requireFreeSpace } from '../machine/machine.js';
import { requireFreePorts } from '../machine/ports.js';
import { signalIfRunning } from '../machine/processes.js';
import { provideParts } from '../parts/embedded-parts.js';
import { type DataDirectory, makeRunFolder, removeRunFolder } from '../servers/data-directory.js';
import { EmbeddedServers, type ServerLayout, serverPortClaims } from '../servers/embedded-servers.js';
import { StackSecurity } from '../servers/security.js';
import { StackError } from '../stack-error.js';
import {
  type AppContext,
  type AppCounts,
  appCounts,
  consumerDefinition,
  issuerUrl,
  readPageTokenSecret,
  serviceDefinitions,
  writeServiceAccess,
} from './app-definitions.js';
import { type App, type AppDefinition, RunningApps, type RunningAppsOptions } from './apps.js';
import { ConsumerPool } from './consumer-pool.js';
import { ScrapeTargets } from './scrape-targets.js';
import { SourceWatch } from './source-watch.js';
import { appPortClaims, DEFAULT_PARTITIONS, type StackOptions } from './stack-options.js';
import { announcement, type AppLogView } from './terminal.js';

/** Together less than the 30 s that a stop may take. An app exits by itself after 18 s; killed servers recover at the next start. */
const DRAIN_BUDGET_MS = timeLimit(19_000);
const SERVER_BUDGET_MS = timeLimit(9_000);

const DATA_NEED_MIB = 1_024;

/** Where the stack prints its messages. */
interface StackReporter {
  readonly print: (line: string) => void;
  readonly view: AppLogView;
}

/** What differs from `npm start`, in the system of a test, a benchmark or a demonstration. */
export interface StackPlan extends Partial<Pick<RunningAppsOptions, 'productDirectory' | 'onEnded'>> {
  /** How many of each app run. */
  readonly apps?: Partial<AppCounts>;
  readonly envOf?: AppContext['envOf'];
  /** Folder of the apps' logs and of the legacy system's files. Default: the data folder. */
  readonly appDirectory?: string;
  /** See `ServerLayout.peers`. */
  readonly peers?: ServerLayout['peers'];
  /** Called for each server that ends by itself; it is started again. */
  readonly onServerEnded?: (how: string) => void;
}

/** Runs everything of `npm start`: starts the servers first, then the apps, and stops them in reverse order. */
export class Stack {
  private readonly layout: ServerLayout;
  private servers: EmbeddedServers | undefined;
  private running: RunningApps | undefined;
  private consumers: ConsumerPool | undefined;
  private watch: SourceWatch | undefined;
  private targets: ScrapeTargets | undefined;
  private security: StackSecurity | undefined;
  private starting: Promise<void> = Promise.resolve();

  private given: AppContext | undefined;

  constructor(
    private readonly options: StackOptions,
    private readonly env: NodeJS.ProcessEnv,
    private readonly data: DataDirectory,
    private readonly reporter: StackReporter,
    private readonly plan: StackPlan = {},
  ) {
    const { kafka, registry, mongodb } = options.external;
    this.layout = {
      choice: { kafka: !kafka, registry: !registry, mongodb: !mongodb },
      ports: options.serverPorts,
      isReplicated: options.isReplicated,
      ...(plan.peers && { peers: plan.peers }),
    };
  }

  /**
   * Resolves when every app is ready. `signal` aborts the start; `stop` must be called after that too.
   * @throws StackError; nothing has been started after `port-in-use`, `disk-full`, `partitions-fixed`, `replication-fixed` or
   * `fetch-failed`
   */
  start(signal: AbortSignal): Promise<void> {
    this.starting = this.startAll(signal);
    return this.starting;
  }

  /** Drains the apps and stops the servers in less than 30 s, in any state. */
  async stop(): Promise<void> {
    const { print } = this.reporter;
    const startedAt = performance.now();
    const seconds = (): string => ((performance.now() - startedAt) / 1_000).toFixed(1);
    this.watch?.stop();
    const apps = this.running?.all ?? [];
    if (apps.length > 0) {
      await this.stopApps();
      print(`drained in ${seconds()} s; stopping the servers`);
    }
    await this.servers?.stop(SERVER_BUDGET_MS);
    await Promise.allSettled([this.starting]);
    if (this.security !== undefined) await removeRunFolder(this.security.folder);
    if (this.servers !== undefined || apps.length > 0)
      print(`everything has stopped (${seconds()} s); the data stays in ${this.data.path}`);
  }

  /** Drains all apps at the same time, in any state. */
  async stopApps(): Promise<void> {
    const apps = this.running?.all ?? [];
    this.reporter.print(`draining ${apps.map(({ name }) => name).join(', ')}`);
    await Promise.all([this.consumers?.close(), ...apps.map(async (app) => this.drain(app))]);
  }

  /** Starts or drains consumers, in the background, until this number runs. */
  scale(consumers: number): void {
    this.consumers?.scale(consumers);
  }

  /** Kills everything at once. The data survives, as after a power failure. */
  kill(): void {
    this.running?.killAll();
    for (const { pid } of this.data.records.running()) signalIfRunning(pid, 'SIGKILL');
  }

  private async startAll(signal: AbortSignal): Promise<void> {
    const { print } = this.reporter;
    const { layout, data } = this;
    const isEmbedded = layout.choice.kafka;
    requireSameReplication(data.path, layout);
    const partitions = isEmbedded ? resolvePartitions(data, this.options.partitions) : this.options.partitions;
    const { serversOnly } = this.options;
    await requireFreePorts([...serverPortClaims(layout), ...(serversOnly ? [] : appPortClaims(this.options))]);
    await requireFreeSpace(data.path, DATA_NEED_MIB, 'the stack');
    const built = this.options.watch ? this.watchSources() : Promise.resolve();
    const [context] = await Promise.all([this.startServers(partitions, signal), built]);
    this.given = context;
    signal.throwIfAborted();
    await this.migrate(context);
    signal.throwIfAborted();
    if (!serversOnly) await this.startApps();
    signal.throwIfAborted();
    if (isEmbedded && partitions !== undefined && !serversOnly) data.recordPartitions(partitions);
    for (const line of announcement(this.addresses(context))) print(line);
    print('ready');
  }

  private async startServers(partitions: number | undefined, signal: AbortSignal): Promise<AppContext> {
    const { print } = this.reporter;
    const { options, data, env } = this;
    if (options.isSecured) this.security = await StackSecurity.create(await makeRunFolder('orders-secured'));
    const { security } = this;
    const layout = { ...this.layout, ...(security !== undefined && { security }) };
    if (Object.values(layout.choice).some(Boolean)) {
      const parts = await provideParts(layout.choice, print, signal);
      signal.throwIfAborted();
      const onEnded = (how: string): void => {
        print(how);
        this.plan.onServerEnded?.(how);
      };
      this.servers = await EmbeddedServers.of(layout, data, parts, { onEnded, onRecovered: print });
      await this.servers.start((name, milliseconds) =>
        print(`${name} serves (${(milliseconds / 1_000).toFixed(1)} s)`),
      );
    }
    const addresses = (await this.servers?.addresses()) ?? {};
    return {
      options,
      addresses,
      partitions,
      pageTokenSecret: readPageTokenSecret(data.path),
      startedAt: new Date(),
      env,
      ...(security && { access: await writeServiceAccess(security, addresses, this.servers?.mongodbPorts ?? []) }),
    };
  }

  /** Migrates the database, the embedded one or the user's own: apps only verify it. No app of another version uses the embedded one. */
  private async migrate({ addresses, env, access }: AppContext): Promise<void> {
    const administrator = access === undefined ? addresses : { ...addresses, MONGODB_URI: '', ...access.admin };
    const { MONGODB_URI = '' } = readGivenSettings(['MONGODB_URI'], { ...env, ...administrator }).values;
    await migrateForStack(MONGODB_URI, { drop: this.layout.choice.mongodb, print: this.reporter.print });
  }

  /** Resolves when the code of the apps has been compiled. */
  private watchSources(): Promise<void> {
    this.watch = new SourceWatch(() => void this.restartApps(), this.reporter.print);
    return this.watch.firstBuild;
  }

  /** What the apps are made from. @throws Error before the servers are started */
  get context(): AppContext {
    if (this.given === undefined) throw new Error('no server has been started');
    return this.given;
  }

  /** The running apps. @throws Error before they are started */
  get apps(): RunningApps {
    if (this.running === undefined) throw new Error('no app has been started');
    return this.running;
  }

  /** The servers that the stack started. @throws Error if there are none */
  get embedded(): EmbeddedServers {
    if (this.servers === undefined) throw new Error('no server has been started');
    return this.servers;
  }

  /** Starts the apps on the running servers: those of another product or with other settings, after `stopApps`. */
  async startApps(plan: StackPlan = this.plan): Promise<void> {
    const { view, print } = this.reporter;
    const { productDirectory, onEnded, envOf, appDirectory = this.data.path } = plan;
    const options = { ...this.options, dataDirectory: appDirectory };
    const context = { ...this.context, options, ...(envOf && { envOf }) };
    const targets = new ScrapeTargets(join(this.data.path, 'prometheus-targets.json'), print);
    this.targets = targets;
    const onListening = ({ job, name }: AppDefinition, url: string): void => {
      if (job !== undefined) targets.add(job, name, url);
    };
    const apps = new RunningApps({
      surroundings: { records: this.data.records, guard: this.servers?.guard },
      view,
      print,
      onListening,
      onRequest: (request) => this.scale(request.consumers),
      ...(productDirectory !== undefined && { productDirectory }),
      ...(onEnded && { onEnded }),
    });
    this.running = apps;
    const counts = { ...appCounts(this.options), ...plan.apps };
    const services = serviceDefinitions(context, counts).map((definition) => apps.make(definition));
    this.consumers = new ConsumerPool({
      make: (n) => apps.make(consumerDefinition(context, n)),
      drain: async (app) => this.drain(app),
      print,
    });
    const started = this.consumers.start(counts.consumer);
    print(`starting ${apps.all.map(({ name }) => name).join(', ')}`);
    await Promise.all([started, ...services.map(async (app) => app.start())]);
  }

  private async drain(app: App): Promise<void> {
    this.targets?.remove(app.name);
    const killed = await this.running?.stop([app], DRAIN_BUDGET_MS);
    // An app that was still starting may have reported its address since.
    this.targets?.remove(app.name);
    if (killed?.length === 1) {
      this.reporter.print(
        `${app.name} did not drain within ${DRAIN_BUDGET_MS / 1_000} s and was killed; uncommitted records will be redelivered`,
      );
    }
  }

  private async restartApps(): Promise<void> {
    this.reporter.print('the sources have changed: restarting the apps');
    await this.running?.restart(DRAIN_BUDGET_MS);
  }

  private addresses({ addresses, env, options }: AppContext): Parameters<typeof announcement>[0] {
    const urlsOf = (job: string): string[] => this.running?.urlsOf(job) ?? [];
    const given = (name: string): string => env[name] || `from the file of ${fileVariable(name)}`;
    return {
      producers: urlsOf('producer'),
      queryApis: urlsOf('query-api'),
      console: urlsOf('console')[0],
      issuer: options.auth ? issuerUrl(options) : undefined,
      legacy: this.running?.all.find(({ name }) => name === 'legacy')?.url,
      facade: urlsOf('facade')[0],
      consumers: options.serversOnly ? 0 : options.consumers,
      brokers: addresses.KAFKA_BROKERS ?? given('KAFKA_BROKERS'),
      registryUrl: addresses.SCHEMA_REGISTRY_URL ?? given('SCHEMA_REGISTRY_URL'),
      mongodbUri: addresses.MONGODB_URI ?? given('MONGODB_URI'),
      dataDirectory: options.dataDirectory,
      credentials: this.security?.folder,
    };
  }
}

const OTHER_REMEDIES = 'empty the data (npm run reset), or use other data (--data DIR).';

/**
 * Returns the number of partitions of the embedded Kafka's topic, existing or new.
 * @throws StackError `partitions-fixed` if the data was created with another number
 */
export function resolvePartitions(
  data: Pick<DataDirectory, 'path' | 'partitions'>,
  requested: number | undefined,
): number {
  const made = data.partitions;
  if (made !== undefined && requested !== undefined && requested !== made)
    throw new StackError(
      'partitions-fixed',
      `The data in ${data.path} was created with ${made} partitions, but ${requested} were requested.`,
      `A topic's keys would move to other partitions and lose their order. Leave --partitions out, ${OTHER_REMEDIES}`,
    );
  return requested ?? made ?? DEFAULT_PARTITIONS;
}

/** @throws StackError `replication-fixed` if replicated data is opened without `--replicated`, or the other way round */
export function requireSameReplication(
  path: string,
  { choice, isReplicated }: Pick<ServerLayout, 'choice' | 'isReplicated'>,
): void {
  const embedded = [...(choice.kafka ? ['kafka'] : []), ...(choice.mongodb ? ['mongodb'] : [])];
  const others = embedded.map((name) => (isReplicated ? name : `${name}-1`));
  if (!others.some((name) => existsSync(join(path, name)))) return;
  const [made, flag] = isReplicated
    ? ['one server of each kind', 'leave --replicated out']
    : ['--replicated', 'add --replicated'];
  throw new StackError(
    'replication-fixed',
    `The data in ${path} was created with ${made}.`,
    `The other servers would start without this data: ${flag}, ${OTHER_REMEDIES}`,
  );
}

const REMEDY = 'Correct it, or set MONGODB_URI to another database, and start again.';

/** Migrates the database of a stack. @throws StackError `migration-failed` if the apps could not use it */
async function migrateForStack(uri: string, options: MigrationOptions): Promise<void> {
  let isMigrated: boolean;
  try {
    isMigrated = await migrateAt(uri, options);
  } catch (error) {
    const reason = explainConnection(error) ?? (error instanceof Error ? error.message : String(error));
    throw new StackError('migration-failed', `The database can't be migrated: ${reason}`, REMEDY, { cause: error });
  }
  if (!isMigrated)
    throw new StackError('migration-failed', 'The database has other indexes than the apps need; see above.', REMEDY);
}
