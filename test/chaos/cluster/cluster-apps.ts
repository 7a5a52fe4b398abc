import { setTimeout as delay } from 'node:timers/promises';
import type { DataDirectory } from '../../../dev/servers/data-directory.js';
import type { ServerAddresses } from '../../../dev/servers/embedded-servers.js';
import type { ServerGuard } from '../../../dev/servers/server-guard.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { consumerDefinition, serviceDefinitions, type AppContext } from '../../../dev/supervisor/app-definitions.js';
import type { App } from '../../../dev/supervisor/app.js';
import { ConsumerPool } from '../../../dev/supervisor/consumer-pool.js';
import { RunningApps } from '../../../dev/supervisor/running-apps.js';
import { readStackOptions } from '../../../dev/supervisor/stack-options.js';
import { isReady } from './is-ready.js';

const DRAIN_BUDGET_MS = 20_000;
const READY_WITHIN_MS = 30_000;
const POLL_INTERVAL_MS = 100;
/** The most producers and query APIs. */
const MAX_COPIES = 2;

export interface ClusterAppsOptions {
  readonly directory: string;
  readonly partitions: number;
  /** How many producers and query APIs run: 1 or 2 of each. */
  readonly copies: number;
  readonly settings: NodeJS.ProcessEnv;
  readonly productDirectory: string;
  readonly print: (line: string) => void;
  readonly addresses: ServerAddresses;
  readonly data: DataDirectory;
  readonly guard: ServerGuard;
  /** Called for an app that ended without being stopped or killed, and for one that was stopped (`wasTold`) and did not end cleanly. */
  readonly onEnded: (name: string, how: string, wasTold: boolean) => void;
  /** Environment variables of an app, by its name. */
  readonly environmentOf: (name: string) => NodeJS.ProcessEnv;
}

/** Runs the apps of a cluster. Restarts an app that ends by itself, as `npm start` does. */
export class ClusterApps {
  private readonly apps: RunningApps;
  private readonly services: readonly App[];
  private readonly pool: ConsumerPool;
  private wanted = 0;

  constructor(private readonly options: ClusterAppsOptions) {
    const { data, guard, print, productDirectory, onEnded } = options;
    this.apps = new RunningApps({ surroundings: { records: data.records, guard }, print, productDirectory, onEnded });
    const context = this.context();
    const counts = {
      producer: options.copies,
      'query-api': options.copies,
      console: 0,
      consumer: 0,
      facade: 0,
      legacy: 0,
    };
    this.services = serviceDefinitions(context, counts).map((definition) => this.apps.make(definition));
    this.pool = new ConsumerPool({
      make: (n) => this.apps.make(consumerDefinition(context, n)),
      drain: async (app) => this.apps.stop([app], DRAIN_BUDGET_MS),
      print,
    });
  }

  /** Names of all possible apps. */
  static names(consumers: number): string[] {
    return [
      ...numbersTo(MAX_COPIES).map((n) => ClusterApps.nameOf('producer', n)),
      ...numbersTo(MAX_COPIES).map((n) => ClusterApps.nameOf('query-api', n)),
      ...numbersTo(consumers).map((n) => `consumer-${n}`),
    ];
  }

  private static nameOf(app: string, n: number): string {
    return n === 1 ? app : `${app}-${n}`;
  }

  /** Resolves when all are ready. */
  async start(consumers: number): Promise<void> {
    this.wanted = consumers;
    await Promise.all([this.pool.start(consumers), ...this.services.map(async (app) => app.start())]);
  }

  /** Number of consumers outside scaling faults. */
  get wantedConsumers(): number {
    return this.wanted;
  }

  /** Starts or drains consumers, in the background, to reach the given number. Default: the number outside faults. */
  scale(consumers = this.wanted): void {
    this.pool.scale(consumers);
  }

  /** Apps that run or are starting. */
  get all(): readonly App[] {
    return [...this.services, ...this.pool.running];
  }

  get producerUrls(): string[] {
    return this.apps.urlsOf('producer');
  }

  get queryApiUrls(): string[] {
    return this.apps.urlsOf('query-api');
  }

  /** Drains an app, starts it again, and waits up to 30 s until it is ready. */
  async restart(name: string): Promise<void> {
    const app = this.all.find((each) => each.name === name);
    const before = app?.url;
    await app?.restart(DRAIN_BUDGET_MS);
    const deadline = performance.now() + READY_WITHIN_MS;
    while (performance.now() < deadline) {
      const { url } = app ?? {};
      if (url !== undefined && url !== before && (await isReady(url))) return;
      await delay(POLL_INTERVAL_MS);
    }
  }

  /** @throws RangeError if no process of this name runs */
  kill(name: string): void {
    void this.apps.kill(name);
  }

  async stop(): Promise<void> {
    await this.pool.close();
    await this.apps.stop(this.all, DRAIN_BUDGET_MS);
  }

  private context(): AppContext {
    const { directory, addresses, partitions, settings, environmentOf } = this.options;
    const options = readStackOptions(['--replicated', '--data', directory], {}, PROJECT_DIRECTORY);
    return {
      // Each app takes any free port: only this run needs to find it.
      options: { ...options, producerPort: 0, queryApiPort: 0 },
      addresses,
      partitions,
      pageTokenSecret: 'of-this-run-alone-of-this-run-alone',
      startedAt: new Date(),
      env: { ...process.env, LOG_LEVEL: 'info', ...settings },
      envOf: environmentOf,
    };
  }
}

function numbersTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}
