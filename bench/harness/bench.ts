import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ComparisonStack } from '../../dev/compare/comparison-stack.js';
import { startServersAlone, type ServersAlone } from '../../dev/servers/servers-alone.js';
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
  /** A smoke run: less data and one run of each, whose figures say little. */
  readonly quick: boolean;
  readonly profileDirectory?: string;
  /** Told what happens, line by line. */
  readonly print: (line: string) => void;
  /** Ends the contender that runs, and all that would come after it. */
  readonly signal: AbortSignal;
}

/** What one run needs besides its contender's own parameters. */
export interface RunOptions extends Omit<ProcessOptions, 'signal' | 'profileDirectory'> {
  readonly dataset: Dataset;
  /** Records to finish. Default: all of the dataset. */
  readonly records?: number;
  /** Whether it saves: it then gets a database of its own, and what it says to have saved is counted there. */
  readonly saves?: boolean;
  /** Whether it writes the topic: it gets a database of its own for its progress, and what it says to have sent is counted on the topic. */
  readonly emits?: boolean;
}

/** Page 100,000 is one of 100 of them. */
const SAVED_ORDERS = 10_000_000;
const QUICK_SAVED_ORDERS = 100_000;

/** Real servers on temporary data, and contenders that run on them one at a time. */
export class Bench {
  readonly quick: boolean;
  readonly print: (line: string) => void;
  private readonly filled = new Set<string>();
  private runs = 0;
  private saved: Promise<SavedOrdersDataset> | undefined;
  private scaled: Promise<ComparisonStack> | undefined;

  private constructor(
    private readonly settings: BenchSettings,
    private readonly servers: ServersAlone,
    private readonly directory: string,
  ) {
    this.quick = settings.quick;
    this.print = settings.print;
  }

  /** @throws StackError when the servers can't be had */
  static async start(settings: BenchSettings): Promise<Bench> {
    const directory = await mkdtemp(join(tmpdir(), 'orders-bench-'));
    try {
      return new Bench(settings, await startServersAlone(directory, undefined, settings.print), directory);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** What is tried for the best settings: in a smoke run only one. */
  searched<T>(candidates: readonly T[]): readonly T[] {
    return this.quick ? candidates.slice(-1) : candidates;
  }

  /** Stops the servers and removes their data. */
  async stop(): Promise<void> {
    await (await this.scaled?.catch(() => undefined))?.stop();
    await this.servers.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The orders that all reads are measured over, saved when they are first asked for. */
  async savedOrders(): Promise<SavedOrdersDataset> {
    this.saved ??= this.save();
    return this.saved;
  }

  /** Runs a contender that reads the saved orders, and nothing of Kafka. @throws Error when it fails, or takes too long */
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
   * Runs a contender over a dataset, which is written when it isn't there yet, in a consumer group of its own.
   * @throws Error when it fails, takes too long, or wrote less than it says
   */
  async run<N extends ContenderName>(
    contender: N,
    parameters: ContenderParameters[N],
    { dataset, records = dataset.records, saves = false, emits = false, ...options }: RunOptions,
  ): Promise<Measurement> {
    await this.provide(dataset);
    const { addresses } = this.servers;
    this.runs += 1;
    const name = `bench-${this.runs}`;
    const database = saves || emits ? await RunDatabase.create(addresses.MONGODB_URI, name) : undefined;
    const countLeft = emits
      ? async () => recordsOn(addresses.KAFKA_BROKERS, dataset.topic)
      : database && (async () => database.savedOrders());
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
      const before = (await countLeft?.()) ?? 0;
      const measured = await runContender(job, { ...options, ...this.processSettings() });
      if (countLeft !== undefined) requireAll(contender, measured, (await countLeft()) - before);
      return measured;
    } finally {
      await database?.drop();
    }
  }

  /** Runs consumers as `npm start` does, on a stack of their own, which is started when it is first asked for. */
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
    this.print(`  ${saved.count} orders saved, and indexed, in ${((performance.now() - start) / 1_000).toFixed(0)} s`);
    return saved;
  }

  private async provide(dataset: Dataset): Promise<void> {
    if (this.filled.has(dataset.topic)) return;
    const start = performance.now();
    await fillTopic(this.servers.addresses, dataset, this.settings.signal);
    const seconds = (performance.now() - start) / 1_000;
    this.print(`  ${dataset.records} records written to ${dataset.topic} in ${seconds.toFixed(1)} s`);
    this.filled.add(dataset.topic);
  }
}

/** @param found what the run left in MongoDB or on its topic */
function requireAll(contender: string, { records }: Measurement, found: number): void {
  if (found < records) throw new Error(`${contender} says to have written ${records} orders, but left ${found}`);
}
