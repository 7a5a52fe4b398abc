import { ComparisonStack } from '../../dev/compare/comparison-stack.js';
import type { ServerAddresses } from '../../dev/servers/embedded-servers.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import type { ContenderName, ContenderParameters } from '../contenders/job.js';
import type { Dataset } from '../datasets/dataset.js';
import { saveOrders, type SavedOrdersDataset } from '../datasets/saved-orders.js';
import { fillTopic } from '../datasets/fill-topic.js';
import { scaledRun, type ScaledRun, type ScaledSetUp } from '../scaling/scaled-run.js';
import { runContender, type ProcessOptions } from './contender-process.js';
import type { Measurement } from './measurement.js';
import { databaseUri, RunDatabase } from './run-database.js';
import { recordsOn } from './topic-records.js';

export interface BenchSettings {
  /** Smoke run: less data and one run each; its figures are not meaningful. */
  readonly quick: boolean;
  readonly profileDirectory?: string;
  /** Receives progress lines. */
  readonly print: (line: string) => void;
  /** Ends the running contender and all later ones. */
  readonly signal: AbortSignal;
}

/** The addresses of the servers, as the apps' settings. The database is for one run only. */
export type BenchServers = Readonly<Required<ServerAddresses>>;

/** Options of a run besides the contender's parameters. */
export interface RunOptions extends Omit<ProcessOptions, 'signal' | 'profileDirectory'> {
  readonly dataset: Dataset;
  /** Records to complete. Default: the whole dataset. */
  readonly records?: number;
  /** The collection into which the contender saves: it gets a separate database, where the reported number is checked. */
  readonly saves?: 'orders' | 'jsonOrders';
  /** The contender writes the topic, where the reported number is checked. It gets a separate database for its progress. */
  readonly emits?: boolean;
}

/** Makes 100,000 pages of 100 orders. */
const SAVED_ORDERS = 10_000_000;
const QUICK_SAVED_ORDERS = 100_000;

/** Starts real servers on temporary data, and runs contenders on them one at a time. */
export class Bench {
  readonly quick: boolean;
  readonly print: (line: string) => void;
  /** Aborts when the benchmarks are interrupted. */
  readonly signal: AbortSignal;
  private readonly filled = new Set<string>();
  private runs = 0;
  private saved: Promise<SavedOrdersDataset> | undefined;
  private scaled: Promise<ComparisonStack> | undefined;

  private constructor(
    private readonly settings: BenchSettings,
    private readonly servers: TemporaryStack,
  ) {
    this.quick = settings.quick;
    this.print = settings.print;
    this.signal = settings.signal;
  }

  /** @throws StackError when the servers cannot be started */
  static async start(settings: BenchSettings): Promise<Bench> {
    const { print } = settings;
    return new Bench(settings, await TemporaryStack.start({ tool: 'orders-bench', flags: ['--servers-only'], print }));
  }

  /** Returns the candidates to try for the best settings; in a smoke run only the last one. */
  searched<T>(candidates: readonly T[]): readonly T[] {
    return this.quick ? candidates.slice(-1) : candidates;
  }

  /** Stops the servers and removes their data. */
  async stop(): Promise<void> {
    await (await this.scaled?.catch(() => undefined))?.stop();
    await this.servers.stop();
  }

  /** Gives some work an empty database of its own, and drops it afterwards. */
  async inOwnDatabase<T>(name: string, work: (uri: string) => Promise<T>): Promise<T> {
    const database = await RunDatabase.create(this.servers.addresses.MONGODB_URI, name);
    try {
      return await work(database.uri);
    } finally {
      await database.drop();
    }
  }

  /** Returns the dataset of all read benchmarks; saves it on the first call. */
  async savedOrders(): Promise<SavedOrdersDataset> {
    this.saved ??= this.save();
    return this.saved;
  }

  /** Runs a contender that reads the saved orders and does not use Kafka. @throws Error when it fails or times out */
  async runOnSaved<N extends ContenderName>(
    contender: N,
    parameters: ContenderParameters[N],
    { records, ...options }: Omit<ProcessOptions, 'signal' | 'profileDirectory'> & { readonly records: number },
  ): Promise<Measurement> {
    const { uri, count } = await this.savedOrders();
    const nothing = { topic: '', groupId: '', brokers: '', registryUrl: '' };
    const job = { contender, parameters, records: Math.min(records, count), mongodbUri: uri, ...nothing };
    return runContender(job, { ...options, ...this.processSettings() });
  }

  /**
   * Runs a contender over a dataset in a separate consumer group. Writes the dataset first if it does not exist.
   * @throws Error when it fails, times out, or wrote fewer orders than it reports
   */
  async run<N extends ContenderName>(
    contender: N,
    parameters: ContenderParameters[N],
    { dataset, records = dataset.records, saves, emits = false, ...options }: RunOptions,
  ): Promise<Measurement> {
    await this.ensureWritten(dataset);
    const { addresses } = this.servers;
    this.runs += 1;
    const name = `bench-${this.runs}`;
    const database = saves !== undefined || emits ? await RunDatabase.create(addresses.MONGODB_URI, name) : undefined;
    const countWritten = emits
      ? async () => recordsOn(addresses.KAFKA_BROKERS, dataset.topic)
      : saves && database && (async () => database.saved(saves));
    try {
      const job = {
        contender,
        parameters,
        records,
        topic: dataset.topic,
        groupId: name,
        brokers: addresses.KAFKA_BROKERS,
        registryUrl: addresses.SCHEMA_REGISTRY_URL,
        mongodbUri: database?.uri ?? '',
      };
      const before = (await countWritten?.()) ?? 0;
      const measured = await runContender(job, { ...options, ...this.processSettings() });
      if (countWritten !== undefined) requireAll(contender, measured, (await countWritten()) - before);
      return measured;
    } finally {
      await database?.drop();
    }
  }

  /** Runs work with a separate database, which is dropped afterwards, and with the topic of a dataset. */
  async withServers<T>(dataset: Dataset, work: (servers: BenchServers) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    await this.ensureWritten(dataset);
    const { addresses } = this.servers;
    this.runs += 1;
    const database = await RunDatabase.create(addresses.MONGODB_URI, `bench-${this.runs}`);
    try {
      return await work({ ...addresses, MONGODB_URI: database.uri });
    } finally {
      await database.drop();
    }
  }

  /** Runs consumers as `npm start` does, on a separate stack that starts on the first call. */
  async runScaled(setUp: ScaledSetUp, seconds: number): Promise<ScaledRun> {
    const { print, signal } = this.settings;
    this.scaled ??= ComparisonStack.start({ print: (line) => print(`  ${line}`), signal });
    return scaledRun(setUp, { stack: await this.scaled, seconds, signal });
  }

  private processSettings(): Pick<ProcessOptions, 'signal' | 'profileDirectory'> {
    const { signal, profileDirectory } = this.settings;
    return { signal, ...(profileDirectory !== undefined && { profileDirectory }) };
  }

  private async save(): Promise<SavedOrdersDataset> {
    const start = performance.now();
    const uri = databaseUri(this.servers.addresses.MONGODB_URI, 'bench-saved');
    const saved = await saveOrders(uri, this.quick ? QUICK_SAVED_ORDERS : SAVED_ORDERS, this.settings.signal);
    this.print(`  ${saved.count} orders saved and indexed in ${((performance.now() - start) / 1_000).toFixed(0)} s`);
    return saved;
  }

  private async ensureWritten(dataset: Dataset): Promise<void> {
    if (this.filled.has(dataset.topic)) return;
    const start = performance.now();
    await fillTopic(this.servers.addresses, dataset, this.settings.signal);
    const seconds = (performance.now() - start) / 1_000;
    this.print(`  ${dataset.records} records written to ${dataset.topic} in ${seconds.toFixed(1)} s`);
    this.filled.add(dataset.topic);
  }
}

/** @param found number of orders that the run wrote to MongoDB or to its topic */
function requireAll(contender: string, { records }: Measurement, found: number): void {
  if (found < records) throw new Error(`${contender} reported ${records} written orders, found ${found}`);
}
