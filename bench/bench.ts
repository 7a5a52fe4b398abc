import { fork } from 'node:child_process';
import { join } from 'node:path';
import { migrateDatabase } from '#service/mongodb/migrate-database.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import type { ServerAddresses } from '../dev/servers/embedded-servers.js';
import { consumerHeap } from '../dev/supervisor/app-definitions.js';
import { type Heap, heapFlags } from '../dev/supervisor/apps.js';
import { TemporaryStack } from '../dev/supervisor/temporary-stack.js';
import type { ContenderName, ContenderParameters, InFlight, Job } from './contenders/job.js';
import { type Dataset, fillTopic } from './datasets.js';
import { recordsOn } from './kafka.js';
import type { Measurement } from './measurement.js';
import type { Outcome } from './result.js';
import { type SavedOrdersDataset, saveOrders } from './saved-orders.js';
import { ConsumingStack, type Progress } from './stacks.js';

export interface BenchSettings extends Progress {
  /** Smoke run: less data and one run each; its figures are not meaningful. */
  readonly quick: boolean;
  /** Folder for V8's CPU profiles of all contenders. */
  readonly profileDirectory?: string;
}

/** A measurement with a name that `--only` accepts. */
export interface Benchmark {
  readonly name: string;
  /** What is measured, and what it is compared with. */
  readonly about: string;
  readonly measure: (bench: Bench) => Promise<Outcome>;
}

/** The addresses of the servers, as the apps' settings. The database is for one run only. */
export type BenchServers = Readonly<Required<ServerAddresses>>;

interface ProcessOptions {
  /** Default: a consumer's young heap, and no limit for the old one. */
  readonly heap?: Heap;
  /** A contender that takes longer is killed, and its benchmark fails. */
  readonly timeoutMs: number;
}

/** Options of a run besides the contender's parameters. */
export interface RunOptions extends ProcessOptions {
  readonly dataset: Dataset;
  /** Records to complete. Default: the whole dataset. */
  readonly records?: number;
  /** The collection into which the contender saves: it gets a separate database, where the reported number is checked. */
  readonly saves?: 'orders' | 'jsonOrders';
  /** The contender writes the topic, where the reported number is checked. It gets a separate database for its progress. */
  readonly publishes?: boolean;
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
  private readonly shared = new Map<object, Promise<unknown>>();
  private runs = 0;
  private saved: Promise<SavedOrdersDataset> | undefined;
  private scaled: Promise<ConsumingStack> | undefined;

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

  /** Stops the servers and removes their data. */
  async stop(): Promise<void> {
    await (await this.scaled?.catch(() => undefined))?.stop();
    await this.servers.stop();
  }

  /** Measures once what several benchmarks judge. */
  async once<T>(measure: (bench: Bench) => Promise<T>): Promise<T> {
    const measuring = (this.shared.get(measure) as Promise<T> | undefined) ?? measure(this);
    this.shared.set(measure, measuring);
    return measuring;
  }

  /** Runs the work of a benchmark this often, and once in a smoke run. */
  async repeat<T>(times: number, work: (turn: number) => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    for (let turn = 0; turn < (this.quick ? 1 : times); turn += 1) results.push(await work(turn));
    return results;
  }

  /** Gives some work an empty database of its own, and drops it afterwards. */
  async inOwnDatabase<T>(work: (uri: string, database: RunDatabase) => Promise<T>): Promise<T> {
    this.runs += 1;
    return inDatabase(this.servers.addresses.MONGODB_URI, `bench-${this.runs}`, work);
  }

  /** Gives some work a separate database, which is dropped afterwards, and the topic of a dataset. */
  async withServers<T>(dataset: Dataset, work: (servers: BenchServers) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    await this.ensureWritten(dataset);
    return this.inOwnDatabase(async (uri) => work({ ...this.servers.addresses, MONGODB_URI: uri }));
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
    { records, ...options }: ProcessOptions & { readonly records: number },
  ): Promise<Measurement> {
    const { uri, count } = await this.savedOrders();
    const job = { contender, parameters, records: Math.min(records, count), mongodbUri: uri };
    return runContender(job, { ...options, ...this.settings });
  }

  /**
   * Runs a contender over a dataset in a separate consumer group. Writes the dataset first if it does not exist.
   * @throws Error when it fails, times out, or wrote fewer orders than it reports
   */
  async run<N extends ContenderName>(
    contender: N,
    parameters: ContenderParameters[N],
    { dataset, records = dataset.records, saves, publishes = false, ...options }: RunOptions,
  ): Promise<Measurement> {
    await this.ensureWritten(dataset);
    const { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registryUrl } = this.servers.addresses;
    const { topic } = dataset;
    const runIn = async (mongodbUri: string, database?: RunDatabase): Promise<Measurement> => {
      const countWritten = publishes
        ? async () => recordsOn(brokers, topic)
        : saves && database && (async () => database.saved(saves));
      const groupId = `bench-${this.runs}`;
      const job = { contender, parameters, records, topic, groupId, brokers, registryUrl, mongodbUri };
      const before = (await countWritten?.()) ?? 0;
      const found = await runContender(job, { ...options, ...this.settings });
      if (countWritten !== undefined) requireAll(contender, found, (await countWritten()) - before);
      return found;
    };
    if (saves !== undefined || publishes) return this.inOwnDatabase(runIn);
    this.runs += 1;
    return runIn('');
  }

  /** Returns a separate stack whose consumers change, which starts on the first call. */
  async consumingStack(): Promise<ConsumingStack> {
    const { print, signal } = this;
    this.scaled ??= ConsumingStack.start({ print: (line) => print(`  ${line}`), signal });
    return this.scaled;
  }

  private async save(): Promise<SavedOrdersDataset> {
    const start = performance.now();
    const uri = databaseUri(this.servers.addresses.MONGODB_URI, 'bench-saved');
    const saved = await saveOrders(uri, this.quick ? QUICK_SAVED_ORDERS : SAVED_ORDERS, this.signal);
    this.print(`  ${saved.count} orders saved and indexed in ${((performance.now() - start) / 1_000).toFixed(0)} s`);
    return saved;
  }

  private async ensureWritten(dataset: Dataset): Promise<void> {
    if (this.filled.has(dataset.topic)) return;
    const start = performance.now();
    await fillTopic(this.servers.addresses, dataset, this.signal);
    const seconds = (performance.now() - start) / 1_000;
    this.print(`  ${dataset.records} records written to ${dataset.topic} in ${seconds.toFixed(1)} s`);
    this.filled.add(dataset.topic);
  }
}

/** @param found number of orders that the run wrote to MongoDB or to its topic */
function requireAll(contender: string, { records }: Measurement, found: number): void {
  if (found < records) throw new Error(`${contender} reported ${records} written orders, found ${found}`);
}

/** A database for one run: empty collections with all indexes. */
interface RunDatabase {
  /** Counts the documents of a collection that a majority of the replica set has. */
  saved(collection: string): Promise<number>;
}

/** Gives work a database of its own, which is dropped afterwards. @param uri of the server; its default database stays untouched */
export async function inDatabase<T>(
  uri: string,
  name: string,
  work: (uri: string, database: RunDatabase) => Promise<T>,
): Promise<T> {
  const own = databaseUri(uri, name);
  const mongo = new Mongo(own, 'bench');
  await migrateDatabase(mongo.db);
  const saved = async (collection: string): Promise<number> =>
    mongo.db.collection(collection).countDocuments({}, { readConcern: { level: 'majority' } });
  try {
    return await work(own, { saved });
  } finally {
    await mongo.db.dropDatabase();
    await mongo.client.close();
  }
}

/** Returns the URI of another database on the same server. */
function databaseUri(uri: string, name: string): string {
  const url = new URL(uri);
  url.pathname = `/${name}`;
  return url.href;
}

/** Returns the heap that `npm start` gives a consumer with this in-flight limit. */
export function heapFor(inFlight: InFlight): Heap {
  return consumerHeap({ IN_FLIGHT_LIMIT: String(inFlight) });
}

/** For contenders that do not bound their memory. A smaller young generation makes them up to a quarter slower. */
const UNBOUNDED_HEAP: Heap = { youngMiB: 64 };
const SCRIPT = join(PROJECT_DIRECTORY, 'dist', 'bench', 'contenders', 'main.js');

/** What a run needs. What is left out is empty, since its contender does not use it. */
type PartialJob<N extends ContenderName> = Pick<Job<N>, 'contender' | 'parameters' | 'records' | 'mongodbUri'> &
  Partial<Job<N>>;

/**
 * Runs a contender in a separate process with the heap flags of the apps, so that memory and CPU time are its own.
 * @throws Error when it fails, times out, or the signal aborts
 */
export async function runContender<N extends ContenderName>(
  job: PartialJob<N>,
  options: ProcessOptions & Pick<BenchSettings, 'profileDirectory' | 'signal'>,
): Promise<Measurement> {
  const { heap = UNBOUNDED_HEAP, timeoutMs, profileDirectory, signal } = options;
  const profile = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const timeout = AbortSignal.timeout(timeoutMs);
  const child = fork(SCRIPT, [], {
    execArgv: [...heapFlags(heap), '--disable-warning=TimeoutNegativeWarning', ...profile],
    signal: AbortSignal.any([signal, timeout]),
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Measurement>();
  let measured: Measurement | undefined;
  child.on('message', (message) => {
    measured = message as Measurement;
  });
  child.once('error', (error) => {
    reject(timeout.aborted ? new Error(`${job.contender} did not complete within ${timeoutMs / 1_000} s`) : error);
  });
  // Resolves only after the exit, so that it does not run at the same time as the next contender.
  child.once('exit', (code, killedBy) => {
    if (measured === undefined) reject(new Error(`${job.contender} ended with ${killedBy ?? `exit code ${code}`}`));
    else resolve(measured);
  });
  child.send({ brokers: '', registryUrl: '', topic: '', groupId: '', ...job });
  return promise;
}
