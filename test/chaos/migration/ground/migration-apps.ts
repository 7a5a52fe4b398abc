import { join } from 'node:path';
import { signalIfRunning } from '../../../../dev/machine/process-table.js';
import { freePortsInARow } from '../../../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../../../dev/project-directory.js';
import {
  consumerDefinition,
  legacyDefinition,
  producerDefinition,
  queryApiDefinition,
  type AppContext,
} from '../../../../dev/supervisor/app-definitions.js';
import { AppLogView } from '../../../../dev/supervisor/app-log-view.js';
import type { AppDefinition } from '../../../../dev/supervisor/app-process.js';
import { App } from '../../../../dev/supervisor/app.js';
import { readStackOptions } from '../../../../dev/supervisor/stack-options.js';
import { isReady } from '../../cluster/is-ready.js';
import { Links } from '../../cluster/links.js';
import { facadeOf, urlOf } from './linked-facade.js';
import type { MigrationServers } from './migration-servers.js';

export const FACADES = ['facade', 'facade-2'] as const;
export type FacadeName = (typeof FACADES)[number];

/** A facade, at the same address after each restart. */
export interface FacadeAddress {
  readonly name: FacadeName;
  readonly url: string;
}

const DRAIN_BUDGET_MS = 20_000;
/** Short time limits, so that a short fault exceeds them. No condition of the gate but those about lost or different orders may fail. */
const SETTINGS = {
  LEGACY_TIME_ZONE: 'Asia/Kolkata',
  LEGACY_TIMEOUT_MS: '2000',
  NEW_SIDE_TIMEOUT_MS: '2000',
  GATE_MIN_SAMPLES: '0',
  GATE_MAX_ERROR_RATE: '1',
  GATE_P99_FLOOR_MS: '600000',
  RATE_LIMIT_PER_MINUTE: '0',
  SAVE_DELAY_MS: '0..50',
  LOG_LEVEL: 'info',
};

export interface MigrationAppsOptions {
  readonly servers: MigrationServers;
  /** Folder of the compiled product. */
  readonly productDirectory: string;
  readonly database: string;
  /** Folder of the logs and of the legacy system's files. */
  readonly directory: string;
  readonly print: (line: string) => void;
  /** Called for an app that ended without being killed by the run, or not cleanly when it was stopped. */
  readonly onEnded: (what: string) => void;
}

/** The apps of one journey: the legacy system, the pipeline, and two facades, each with its own link to everything that it needs. */
export class MigrationApps {
  readonly links = new Links();
  /** The addresses of the facades. */
  readonly facades: FacadeAddress[] = [];
  private apps: readonly App[] = [];
  private readonly killed = new Set<string>();
  private stopped: Promise<void> | undefined;

  private constructor(private readonly options: MigrationAppsOptions) {}

  /** Resolves when all apps are ready. `stop` must be called even after a failure. */
  static async start(options: MigrationAppsOptions): Promise<MigrationApps> {
    const apps = new MigrationApps(options);
    const context = await apps.context();
    const { legacyPort, producerPort, queryApiPort } = context.options;
    const facades = [];
    for (const name of FACADES) {
      const to = async (side: string, port: number): Promise<number> => apps.links.add(name, side, port);
      const port = await freePortsInARow(1);
      apps.facades.push({ name, url: urlOf(port) });
      facades.push(
        facadeOf(name, port, context, {
          legacy: await to('legacy', legacyPort),
          producer: await to('producer', producerPort),
          queryApi: await to('query-api', queryApiPort),
          mongodb: { listens: options.servers.mongodbPort, link: await to('MongoDB', options.servers.mongodbPort) },
        }),
      );
    }
    const definitions = [
      legacyDefinition(context),
      producerDefinition(context),
      queryApiDefinition(context),
      consumerDefinition(context, 1),
      ...facades,
    ];
    apps.apps = definitions.map((definition) => apps.make(definition));
    await Promise.all(apps.apps.map(async (app) => app.start())).catch(async (error: unknown) => {
      await apps.stop();
      throw error;
    });
    return apps;
  }

  /** Folder of the legacy system's files. */
  get legacyFolder(): string {
    return join(this.options.directory, 'db_files');
  }

  /** Kills an app with SIGKILL. It is started again at once. */
  kill(name: string): void {
    this.killed.add(name);
    signalIfRunning(this.pid(name), 'SIGKILL');
  }

  /** @throws RangeError if no process of this name runs */
  pid(name: string): number {
    const found = this.options.servers.data.records.running().find((record) => record.name === name);
    if (found === undefined) throw new RangeError(`no process named ${name} runs`);
    return found.pid;
  }

  async areReady(): Promise<boolean> {
    const ready = await Promise.all(this.apps.map(async ({ url }) => url !== undefined && isReady(url)));
    return ready.every(Boolean);
  }

  /** Stops all apps in any state. Idempotent. */
  async stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  private async stopAll(): Promise<void> {
    this.links.openAll();
    for (const { pid } of this.options.servers.data.records.running()) signalIfRunning(pid, 'SIGCONT');
    const facades = this.apps.filter(({ job }) => job === 'facade');
    await Promise.all(facades.map(async (app) => app.stop(DRAIN_BUDGET_MS)));
    const others = this.apps.filter((app) => !facades.includes(app));
    await Promise.all(others.map(async (app) => app.stop(DRAIN_BUDGET_MS)));
    await this.links.close();
  }

  private async context(): Promise<AppContext> {
    const { servers, directory, database } = this.options;
    const options = readStackOptions(['--legacy', '--data', directory], {}, PROJECT_DIRECTORY);
    const ports = {
      producerPort: await freePortsInARow(1),
      queryApiPort: await freePortsInARow(1),
      legacyPort: await freePortsInARow(1),
    };
    const uri = (servers.addresses.MONGODB_URI ?? '').replace('/orders?', `/${database}?`);
    return {
      options: { ...options, ...ports },
      addresses: { ...servers.addresses, MONGODB_URI: uri },
      partitions: 6,
      pageTokenSecret: 'of-this-run-alone-of-this-run-alone',
      startedAt: new Date(),
      env: { ...process.env, LEGACY_DATA_DIR: undefined, ...SETTINGS },
    };
  }

  private make(definition: AppDefinition): App {
    const { servers, print, productDirectory } = this.options;
    const script = join(productDirectory, definition.script.slice(join(PROJECT_DIRECTORY, 'dist').length));
    const surroundings = {
      records: servers.data.records,
      guard: servers.servers.guard,
      view: new AppLogView(() => undefined, false),
      onListening: () => undefined,
      onRequest: () => undefined,
      onEnded: ({ name }: AppDefinition, ending: string, wasStopped: boolean) => this.ended(name, ending, wasStopped),
    };
    return new App({ ...definition, script }, surroundings, print);
  }

  private ended(name: string, ending: string, wasStopped: boolean): void {
    const wasKilled = ending === 'SIGKILL' && this.killed.delete(name);
    if (wasKilled || (wasStopped && (ending === 'exit code 0' || ending === 'SIGTERM'))) return;
    this.options.onEnded(`${name} ${wasStopped ? 'was stopped, and ' : ''}ended with ${ending}`);
  }
}
