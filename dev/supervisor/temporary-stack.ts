import { rejectOnAbort } from '../waits.js';
import { requireFreeSpace } from '../machine/machine.js';
import { freePort, freePortsInARow } from '../machine/ports.js';
import { makeRunFolder, removeRunFolder, DataDirectory, type ProcessRecord } from '../servers/data-directory.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import type { EmbeddedServers, ServerAddresses } from '../servers/embedded-servers.js';
import type { AppContext } from './app-definitions.js';
import { AppLogView } from './terminal.js';
import type { RunningApps } from './apps.js';
import { readStackOptions } from './stack-options.js';
import { Stack, type StackPlan } from './stack.js';

/** What is passed on of the caller's environment: its settings would change the system, and its servers must not be used. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'TMPDIR',
  'JAVA_HOME',
  'ORDERS_CACHE_DIR',
  'NODE_COMPILE_CACHE',
  'TEST_TIME_LIMIT_SCALE',
];

export interface TemporaryStackPlan extends StackPlan {
  /** The first part of the name of its folder, such as `orders-compare`. */
  readonly tool: string;
  /** The disk space of its data. Default: what every stack needs. */
  readonly neededMiB?: number;
  /** Flags of `npm start`. */
  readonly flags?: readonly string[];
  /** Environment variables of all apps, and the addresses of servers that are used instead of embedded ones. */
  readonly env?: NodeJS.ProcessEnv;
  /** A folder that is kept, instead of a temporary one. */
  readonly dataDirectory?: string;
  /** Ports that were chosen before, as environment variables such as KAFKA_PORT. Default: any free ones. */
  readonly ports?: Readonly<Record<string, string>>;
  /** Receives what the servers and apps report, such as a restart. Default: nothing is printed. */
  readonly print?: (line: string) => void;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
}

/** The system of `npm start` in this process, on free ports and temporary data. After `stop` no process and no file is left. */
export class TemporaryStack {
  private constructor(
    readonly stack: Stack,
    private readonly data: DataDirectory,
    /** The environment variables of the ports, such as KAFKA_PORT and PRODUCER_PORT. */
    readonly ports: Readonly<Record<string, string>>,
    private readonly isKept: boolean,
  ) {}

  /** Resolves when all apps are ready. @throws StackError, or the abort reason; everything is cleaned up first */
  static async start(plan: TemporaryStackPlan): Promise<TemporaryStack> {
    const { tool, neededMiB = 0, flags = [], env = {}, print = () => undefined, signal = neverAborted() } = plan;
    const directory = plan.dataDirectory ?? (await makeRunFolder(tool));
    const isKept = plan.dataDirectory !== undefined;
    let started: TemporaryStack | undefined;
    try {
      const ports = { ...(await freePorts(flags.includes('--replicated'))), ...plan.ports };
      const all = { ...passedOn(), ...ports, ...env };
      const options = readStackOptions(['--data', directory, ...flags], all, PROJECT_DIRECTORY);
      await requireFreeSpace(directory, neededMiB, tool);
      const data = await DataDirectory.open(directory, print);
      const stack = new Stack(options, all, data, { print, view: new AppLogView(print, false) }, plan);
      started = new TemporaryStack(stack, data, ports, isKept);
      await Promise.race([stack.start(signal), rejectOnAbort(signal)]);
      return started;
    } catch (error) {
      if (started !== undefined) await started.stop();
      else if (!isKept) await removeRunFolder(directory);
      throw error;
    }
  }

  /** The folder of its data and logs. */
  get directory(): string {
    return this.data.path;
  }

  get apps(): RunningApps {
    return this.stack.apps;
  }

  /** Only of a stack with servers of its own. */
  get servers(): EmbeddedServers {
    return this.stack.embedded;
  }

  /** What its apps are made from, for more of them. */
  get context(): AppContext {
    return this.stack.context;
  }

  /** The addresses of its servers, as settings of the apps; those of MongoDB without a user. */
  get addresses(): Required<ServerAddresses> {
    const { addresses, env } = this.context;
    const of = (name: keyof ServerAddresses): string => addresses[name] ?? env[name] ?? '';
    return {
      KAFKA_BROKERS: of('KAFKA_BROKERS'),
      KAFKA_CLUSTER_ID: of('KAFKA_CLUSTER_ID'),
      TOPIC_REPLICATION_FACTOR: of('TOPIC_REPLICATION_FACTOR'),
      TOPIC_MIN_INSYNC_REPLICAS: of('TOPIC_MIN_INSYNC_REPLICAS'),
      SCHEMA_REGISTRY_URL: of('SCHEMA_REGISTRY_URL'),
      MONGODB_URI: of('MONGODB_URI'),
    };
  }

  /** Returns the address of an app's port, such as PRODUCER_PORT. */
  url(port: string): string {
    return `http://127.0.0.1:${this.ports[port]}`;
  }

  /** Returns the apps and servers that are running. */
  processes(): ProcessRecord[] {
    return this.data.records.running();
  }

  /** Ends everything and removes the data, in any state. @throws Error if a process is left */
  async stop(): Promise<void> {
    const left = await this.end();
    if (!this.isKept) await removeRunFolder(this.directory);
    if (left.length > 0) throw new Error(`The stack has stopped before ${left.join(', ')}`);
  }

  /** Ends everything, in any state. The data stays until `stop`. @returns the names of processes that still run */
  async end(): Promise<string[]> {
    await this.stack.stop();
    this.data.close();
    return this.processes().map(({ name }) => name);
  }

  /** Kills everything at once, and leaves the data. */
  kill(): void {
    this.stack.kill();
  }

  /** As `kill`, and nothing is started again. Resolves when all processes have ended: another stack may use the data then. */
  async crash(): Promise<void> {
    this.stack.kill();
    await this.servers.kill();
    await this.end();
  }
}

/** Returns free ports for all servers and apps, as environment variables. */
export async function freePorts(isReplicated: boolean): Promise<Record<string, string>> {
  const ports: Record<string, string> = {};
  for (const server of ['KAFKA', 'MONGODB'])
    ports[`${server}_PORT`] = String(await freePortsInARow(isReplicated ? 3 : 1));
  for (const one of ['REGISTRY', 'PRODUCER', 'QUERY_API', 'CONSOLE', 'ISSUER', 'FACADE', 'LEGACY'])
    ports[`${one}_PORT`] = String(await freePort());
  return ports;
}

function passedOn(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    PASSED_ON.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined),
  );
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
