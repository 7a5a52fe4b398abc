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
import { RunningApps } from '../../../../dev/supervisor/running-apps.js';
import { readStackOptions } from '../../../../dev/supervisor/stack-options.js';
import type { FacadeAddress } from '../../../../dev/migration-journey/facade-requests.js';
import { isReady } from '../../../../dev/migration-journey/recovery.js';
import { ZONE } from '../../../../dev/migration-journey/stored-order.js';
import { Links } from '../../cluster/links.js';
import { facadeOf, urlOf } from './linked-facade.js';
import type { MigrationServers } from './migration-servers.js';

export const FACADES = ['facade', 'facade-2'] as const;
export type FacadeName = (typeof FACADES)[number];

const DRAIN_BUDGET_MS = 20_000;
/** Short time limits, so that a short fault exceeds them. No condition of the gate but those about lost or different orders may fail. */
const SETTINGS = {
  LEGACY_TIME_ZONE: ZONE.name,
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
  private readonly apps: RunningApps;
  private stopped: Promise<void> | undefined;

  private constructor(private readonly options: MigrationAppsOptions) {
    const { servers, print, productDirectory, onEnded } = options;
    this.apps = new RunningApps({
      surroundings: { records: servers.data.records, guard: servers.servers.guard },
      print,
      productDirectory,
      onEnded: (name, how) => onEnded(`${name} ${how}`),
    });
  }

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
    const others = [
      legacyDefinition(context),
      producerDefinition(context),
      queryApiDefinition(context),
      consumerDefinition(context, 1),
    ];
    await apps.apps.start(...others, ...facades).catch(async (error: unknown) => {
      await apps.stop();
      throw error;
    });
    return apps;
  }

  /** Folder of the legacy system's files. */
  get legacyFolder(): string {
    return join(this.options.directory, 'db_files');
  }

  /** Kills an app by SIGKILL. It is started again at once. */
  kill(name: string): void {
    void this.apps.kill(name);
  }

  /** @throws RangeError if no process of this name runs */
  pid(name: string): number {
    return this.apps.pid(name);
  }

  async areReady(): Promise<boolean> {
    const ready = await Promise.all(this.apps.all.map(async ({ url }) => url !== undefined && isReady(url)));
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
    await this.apps.stop(
      this.apps.all.filter(({ job }) => job === 'facade'),
      DRAIN_BUDGET_MS,
    );
    await this.apps.stop(this.apps.all, DRAIN_BUDGET_MS);
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
}
