import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataDirectory } from '../../../dev/servers/data-directory.js';
import type { ServerAddresses } from '../../../dev/servers/embedded-servers.js';
import type { ServerGuard } from '../../../dev/servers/server-guard.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import {
  consumerDefinition,
  producerDefinition,
  queryApiDefinition,
  type AppContext,
} from '../../../dev/supervisor/app-definitions.js';
import { AppLogView } from '../../../dev/supervisor/app-log-view.js';
import type { AppDefinition } from '../../../dev/supervisor/app-process.js';
import { App } from '../../../dev/supervisor/app.js';
import { ConsumerPool } from '../../../dev/supervisor/consumer-pool.js';
import { readStackOptions } from '../../../dev/supervisor/stack-options.js';
import { isReady } from './is-ready.js';

const DRAIN_BUDGET_MS = 20_000;
const READY_WITHIN_MS = 30_000;
const POLL_INTERVAL_MS = 100;
/** Clean endings of a stopped app. SIGTERM itself ends an app that has just started and has no handler yet. */
const CLEAN_ENDINGS = new Set(['exit code 0', 'SIGTERM']);
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
  private readonly services: readonly App[];
  private readonly pool: ConsumerPool;
  private readonly killed = new Set<string>();
  private wanted = 0;

  constructor(private readonly options: ClusterAppsOptions) {
    const numbers = numbersTo(options.copies);
    this.services = [
      ...numbers.map((n) => this.make((context) => producerDefinition(context, n), ClusterApps.nameOf('producer', n))),
      ...numbers.map((n) => this.make((context) => queryApiDefinition(context, n), ClusterApps.nameOf('query-api', n))),
    ];
    this.pool = new ConsumerPool({
      make: (n) => this.make((context) => consumerDefinition(context, n), `consumer-${n}`),
      drain: async (app) => this.drain(app),
      print: options.print,
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
    return this.urlsOf('producer');
  }

  get queryApiUrls(): string[] {
    return this.urlsOf('query-api');
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

  /** Announces a SIGKILL, which is then not reported as an unexpected ending. */
  expectKill(name: string): void {
    this.killed.add(name);
  }

  async stop(): Promise<void> {
    await this.pool.close();
    await Promise.all(this.all.map(async (app) => this.drain(app)));
  }

  private async drain(app: App): Promise<void> {
    await app.stop(DRAIN_BUDGET_MS);
  }

  private ended(name: string, ending: string, wasTold: boolean): void {
    const wasKilled = ending === 'SIGKILL' && this.killed.delete(name);
    if (wasKilled || (wasTold && CLEAN_ENDINGS.has(ending))) return;
    this.options.onEnded(name, `${wasTold ? 'was stopped, and ' : ''}ended with ${ending}`, wasTold);
  }

  private urlsOf(job: string): string[] {
    return this.services.filter((app) => app.job === job).flatMap(({ url }) => url ?? []);
  }

  private make(definitionIn: (context: AppContext) => AppDefinition, name: string): App {
    const { data, guard, print, productDirectory, environmentOf, settings } = this.options;
    const own = { ...process.env, LOG_LEVEL: 'info', ...settings, ...environmentOf(name) };
    const definition = definitionIn({ ...this.context(), env: own });
    const script = join(productDirectory, definition.script.slice(join(PROJECT_DIRECTORY, 'dist').length));
    const surroundings = {
      records: data.records,
      guard,
      // The apps' output is in their log files.
      view: new AppLogView(() => undefined, false),
      onListening: () => undefined,
      onRequest: () => undefined,
      onEnded: (app: AppDefinition, ending: string, wasTold: boolean) => this.ended(app.name, ending, wasTold),
    };
    return new App({ ...definition, script }, surroundings, print);
  }

  private context(): AppContext {
    const { directory, addresses, partitions } = this.options;
    const options = readStackOptions(['--replicated', '--data', directory], {}, PROJECT_DIRECTORY);
    return {
      // Each app takes any free port: only this run needs to find it.
      options: { ...options, producerPort: 0, queryApiPort: 0 },
      addresses,
      partitions,
      pageTokenSecret: 'of-this-run-alone-of-this-run-alone',
      startedAt: new Date(),
      env: {},
    };
  }
}

function numbersTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}
