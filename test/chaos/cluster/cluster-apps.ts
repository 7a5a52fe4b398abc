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
const LOOK_EVERY_MS = 100;
/** Of one that was told to, by SIGTERM: that alone ends one which has only just begun. */
const ENDED_WELL = new Set(['exit code 0', 'SIGTERM']);
const NUMBERS = [1, 2];

export interface ClusterAppsOptions {
  readonly directory: string;
  readonly partitions: number;
  readonly settings: NodeJS.ProcessEnv;
  readonly productDirectory: string;
  readonly print: (line: string) => void;
  readonly addresses: ServerAddresses;
  readonly data: DataDirectory;
  readonly guard: ServerGuard;
  /** Told of an app that ended though nobody had told or killed it, and of one that was told and did not end well. */
  readonly onEnded: (name: string, how: string, wasTold: boolean) => void;
  /** What each app has of its own. */
  readonly environmentOf: (name: string) => NodeJS.ProcessEnv;
}

/** The apps of a cluster. One that ends by itself is started again, as `npm start` does it. */
export class ClusterApps {
  private readonly services: readonly App[];
  private readonly pool: ConsumerPool;
  private readonly killed = new Set<string>();
  private wanted = 0;

  constructor(private readonly options: ClusterAppsOptions) {
    this.services = [
      ...NUMBERS.map((n) => this.make((context) => producerDefinition(context, n), ClusterApps.nameOf('producer', n))),
      ...NUMBERS.map((n) => this.make((context) => queryApiDefinition(context, n), ClusterApps.nameOf('query-api', n))),
    ];
    this.pool = new ConsumerPool({
      make: (n) => this.make((context) => consumerDefinition(context, n), `consumer-${n}`),
      drain: async (app) => this.drain(app),
      print: options.print,
    });
  }

  /** Of all that there may be. */
  static names(consumers: number): string[] {
    return [
      ...NUMBERS.map((n) => ClusterApps.nameOf('producer', n)),
      ...NUMBERS.map((n) => ClusterApps.nameOf('query-api', n)),
      ...Array.from({ length: consumers }, (_, at) => `consumer-${at + 1}`),
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

  /** Consumers that there are when nothing is being tried. */
  get wantedConsumers(): number {
    return this.wanted;
  }

  /** Drains those that are too many, or starts those that are missing, from now on. Default: as many as are wanted. */
  scale(consumers = this.wanted): void {
    this.pool.scale(consumers);
  }

  /** Those that run or are about to. */
  get all(): readonly App[] {
    return [...this.services, ...this.pool.running];
  }

  get producerUrls(): string[] {
    return this.urlsOf('producer');
  }

  get queryApiUrls(): string[] {
    return this.urlsOf('query-api');
  }

  /** Drains it, starts it again, and waits until it is ready, for a while at the most. */
  async restart(name: string): Promise<void> {
    const app = this.all.find((each) => each.name === name);
    const before = app?.url;
    await app?.restart(DRAIN_BUDGET_MS);
    const deadline = performance.now() + READY_WITHIN_MS;
    while (performance.now() < deadline) {
      const { url } = app ?? {};
      if (url !== undefined && url !== before && (await isReady(url))) return;
      await delay(LOOK_EVERY_MS);
    }
  }

  /** SIGKILL is coming to it, and is no news then. */
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
    if (wasKilled || (wasTold && ENDED_WELL.has(ending))) return;
    this.options.onEnded(name, `${wasTold ? 'was told to end, and ' : ''}ended with ${ending}`, wasTold);
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
      // What they tell is in their logs.
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
      // Any free port each: nobody but the run looks for them.
      options: { ...options, producerPort: 0, queryApiPort: 0 },
      addresses,
      partitions,
      pageTokenSecret: 'of-this-run-alone-of-this-run-alone',
      startedAt: new Date(),
      env: {},
    };
  }
}
