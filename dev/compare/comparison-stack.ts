import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { requireFreeSpace } from '../machine/disk-space.js';
import { rejectOnAbort } from '../machine/abortion.js';
import { freePort } from '../machine/ports.js';
import { signalIfRunning } from '../machine/process-table.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import type { ProcessRecord } from '../servers/process-records.js';
import { startStandaloneServers, type StandaloneServers } from '../servers/standalone-servers.js';
import { consumerDefinition, producerDefinition, type AppContext } from '../supervisor/app-definitions.js';
import type { App } from '../supervisor/app.js';
import { RunningApps } from '../supervisor/running-apps.js';
import { readStackOptions } from '../supervisor/stack-options.js';
import { makeRunFolder, removeRunFolder } from '../machine/run-folder.js';

/** The environment variables of the consumers. */
export type ConsumerSettings = Readonly<
  Record<'IN_FLIGHT_LIMIT' | 'ORDERING' | 'SAVE_DELAY_MS' | 'SAVE_DELAY_SEED', string>
>;

export interface ComparisonStackOptions {
  readonly print: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/** Space for empty topics, journals and logs; the orders themselves need little. */
const DATA_NEED_MIB = 1_024;
const DRAIN_BUDGET_MS = 15_000;
/** At the end the processes have no work left. */
const STOP_BUDGET_MS = 3_000;

/**
 * The same pipeline as in `npm start`, with real servers, producer and consumers, but on free ports and with temporary data. The
 * consumers change from way to way. After stop() no process and no file is left.
 */
export class ComparisonStack {
  readonly mongo: Mongo;
  private readonly apps: RunningApps;
  private readonly producer: App;
  private consumers: App[] = [];
  private settings: ConsumerSettings | undefined;

  private constructor(
    private readonly directory: string,
    private readonly servers: StandaloneServers,
    private readonly context: AppContext,
    private readonly options: ComparisonStackOptions,
  ) {
    this.mongo = new Mongo(servers.addresses.MONGODB_URI, 'compare');
    this.apps = new RunningApps({ surroundings: servers.surroundings, print: options.print });
    this.producer = this.apps.make(producerDefinition(context));
  }

  /** Resolves when servers and producer are ready. @throws StackError, or the abort reason; everything is cleaned up first */
  static async start(options: ComparisonStackOptions): Promise<ComparisonStack> {
    const directory = await makeRunFolder('orders-compare');
    let stack: ComparisonStack | undefined;
    try {
      await requireFreeSpace(directory, DATA_NEED_MIB, 'the comparison');
      const { print, signal } = options;
      const servers = await startStandaloneServers(directory, undefined, print, signal);
      stack = new ComparisonStack(directory, servers, await createContext(directory, servers), options);
      await stack.unlessAborted(stack.producer.start());
      print('producer serves');
      return stack;
    } catch (error) {
      if (stack === undefined) await removeRunFolder(directory);
      else await stack.stop();
      throw error;
    }
  }

  get producerUrl(): string {
    return this.producer.url ?? '';
  }

  /** Returns the apps and servers that are running. */
  processes(): ProcessRecord[] {
    return this.servers.surroundings.records.running();
  }

  /** Ensures that `count` consumers with these settings run; keeps those with the same settings. Resolves when all are ready. */
  async consume(count: number, settings: ConsumerSettings): Promise<void> {
    const isSame = JSON.stringify(settings) === JSON.stringify(this.settings);
    if (!isSame || this.consumers.length > count) await this.drain();
    this.settings = settings;
    const context = { ...this.context, env: { ...this.context.env, ...settings } };
    const added: App[] = [];
    while (this.consumers.length < count) {
      const app = this.apps.make(consumerDefinition(context, this.consumers.length + 1));
      this.consumers.push(app);
      added.push(app);
    }
    await this.unlessAborted(Promise.all(added.map(async (app) => app.start())));
  }

  /** Ends everything and removes the data, in any state. */
  async stop(): Promise<void> {
    await this.mongo.client.close();
    await this.apps.stop(this.apps.all, STOP_BUDGET_MS);
    await this.servers.stop();
    await removeRunFolder(this.directory);
  }

  /** Kills everything at once, and leaves the data. */
  kill(): void {
    this.apps.killAll();
    for (const { pid } of this.processes()) signalIfRunning(pid, 'SIGKILL');
  }

  /** Drains the consumers: a killed member would keep its partitions until its session times out. */
  private async drain(): Promise<void> {
    // `consumers` is reset only afterwards: after an abort, stop() must still find them.
    await this.unlessAborted(this.apps.stop(this.consumers, DRAIN_BUDGET_MS));
    this.consumers = [];
  }

  private async unlessAborted<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, rejectOnAbort(this.options.signal)]);
  }
}

/**
 * Doesn't inherit the caller's environment: its settings would change the comparison, and its servers must not be used.
 */
async function createContext(directory: string, { addresses }: StandaloneServers): Promise<AppContext> {
  const { PATH, HOME, TMPDIR } = process.env;
  const env = { PATH, HOME, TMPDIR, LOG_LEVEL: 'warn' };
  const ports = { PRODUCER_PORT: String(await freePort()) };
  const options = readStackOptions(['--data', directory], ports, PROJECT_DIRECTORY);
  return { options, addresses, partitions: DEFAULT_PARTITIONS, pageTokenSecret: '', startedAt: new Date(), env };
}
