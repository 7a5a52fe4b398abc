import { join } from 'node:path';
import { freePort } from '../../../dev/machine/ports.js';
import type { FacadeAddress } from '../../../dev/migration-journey/clients.js';
import { isReady } from '../../../dev/migration-journey/operator.js';
import { ZONE } from '../../../dev/migration-journey/stored-orders.js';
import type { RunningApps } from '../../../dev/supervisor/apps.js';
import type { TemporaryStack } from '../../../dev/supervisor/temporary-stack.js';
import { preloading, stopApps } from '../cluster/cluster.js';
import { Links } from '../cluster/link.js';

export const FACADES = ['facade', 'facade-2'] as const;
export type FacadeName = (typeof FACADES)[number];

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
  TOPIC_PARTITIONS: '6',
};
const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

export interface MigrationAppsOptions {
  readonly servers: TemporaryStack;
  /** Folder of the compiled product. */
  readonly productDirectory: string;
  readonly database: string;
  /** Folder of the logs and of the legacy system's files. */
  readonly directory: string;
  /** Called for an app that ended without being killed by the run, or not cleanly when it was stopped. */
  readonly onEnded: (what: string) => void;
}

/** The apps of one journey: the legacy system, the pipeline, and two facades, each with its own link to everything that it needs. */
export class MigrationApps {
  private stopped: Promise<void> | undefined;

  private constructor(
    readonly servers: TemporaryStack,
    readonly links: Links,
    readonly facades: readonly FacadeAddress[],
    /** Folder of the legacy system's files. */
    readonly legacyFolder: string,
  ) {}

  /** Resolves when all apps are ready. @throws StackError; they are stopped then */
  static async start({ servers, directory, database, ...plan }: MigrationAppsOptions): Promise<MigrationApps> {
    const links = new Links();
    const facadeEnv = new Map<string, NodeJS.ProcessEnv>();
    const facades: FacadeAddress[] = [];
    for (const name of FACADES) {
      const to = async (app: string, port: string): Promise<number> =>
        links.add(name, app, Number(servers.ports[port]));
      const port = name === 'facade' ? Number(servers.ports['FACADE_PORT']) : await freePort();
      facades.push({ name, url: urlOf(port) });
      facadeEnv.set(name, {
        PORT: String(port),
        LEGACY_URL: urlOf(await to('legacy', 'LEGACY_PORT')),
        PRODUCER_URL: urlOf(await to('producer', 'PRODUCER_PORT')),
        QUERY_API_URL: urlOf(await to('query-api', 'QUERY_API_PORT')),
        NODE_OPTIONS: preloading('cluster/redirect-connections'),
        REDIRECTED_PORTS: JSON.stringify({
          [String(servers.ports['MONGODB_PORT'])]: await to('MongoDB', 'MONGODB_PORT'),
        }),
      });
    }
    const legacyFolder = join(directory, 'db_files');
    const MONGODB_URI = servers.addresses.MONGODB_URI.replace('/orders?', `/${database}?`);
    const apps = new MigrationApps(servers, links, facades, legacyFolder);
    const started = servers.stack.startApps({
      productDirectory: plan.productDirectory,
      onEnded: (name, how) => plan.onEnded(`${name} ${how}`),
      appDirectory: directory,
      apps: { console: 0, consumer: 1, facade: FACADES.length },
      envOf: (name) => ({ ...SETTINGS, LEGACY_DATA_DIR: legacyFolder, MONGODB_URI, ...facadeEnv.get(name) }),
    });
    await started.catch(async (error: unknown) => {
      await apps.stop();
      throw error;
    });
    return apps;
  }

  /** All that run or are starting. */
  get running(): RunningApps {
    return this.servers.apps;
  }

  async areReady(): Promise<boolean> {
    const ready = await Promise.all(this.running.all.map(async ({ url }) => url !== undefined && isReady(url)));
    return ready.every(Boolean);
  }

  /** Stops all apps in any state. Idempotent. */
  async stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  private async stopAll(): Promise<void> {
    await stopApps(this.servers, this.links);
    await this.links.close();
  }
}
