import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { Mongo } from '#service/mongodb/mongo.js';
import { rejectOnAbort } from '../machine/abortion.js';
import { requireFreeSpace } from '../machine/disk-space.js';
import { freePort } from '../machine/ports.js';
import { signalIfRunning } from '../machine/process-table.js';
import { makeRunFolder, removeRunFolder } from '../machine/run-folder.js';
import { startStandaloneServers, type StandaloneServers } from '../servers/standalone-servers.js';
import {
  consumerDefinition,
  legacyDefinition,
  producerDefinition,
  queryApiDefinition,
  type AppContext,
} from '../supervisor/app-definitions.js';
import type { AppDefinition } from '../supervisor/app-process.js';
import { RunningApps } from '../supervisor/running-apps.js';
import type { FacadeAddress } from '../migration-journey/facade-requests.js';
import { isReady } from '../migration-journey/recovery.js';
import { createDemoContext, facadeInstance } from './demo-apps.js';

/** Space for 100,000 orders on both sides, journals and logs. */
const DATA_NEED_MIB = 2_048;
const DRAIN_BUDGET_MS = 15_000;
const STOP_BUDGET_MS = 5_000;
const CONSUMERS = 2;
const FACADES = [1, 2] as const;

export interface DemoStackOptions {
  /** The settings of the facades that differ from their defaults. */
  readonly facadeSettings: NodeJS.ProcessEnv;
  /** Receives what the servers and apps report, such as a restart. */
  readonly print: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/**
 * All processes of `npm start -- --legacy`, with a second facade and a second consumer, on free ports and with temporary data. An app
 * that ends is started again, as there. After `stop()` no process and no file is left.
 */
export class DemoStack {
  readonly mongo: Mongo;
  readonly apps: RunningApps;

  private constructor(
    private readonly directory: string,
    private readonly servers: StandaloneServers,
    private readonly context: AppContext,
    private readonly facadePorts: readonly number[],
    private readonly options: DemoStackOptions,
  ) {
    this.mongo = new Mongo(servers.addresses.MONGODB_URI, 'migration-demo');
    this.apps = new RunningApps({ surroundings: servers.surroundings, print: options.print });
  }

  /** Resolves when all apps are ready. @throws StackError, or the abort reason; everything is cleaned up first */
  static async start(options: DemoStackOptions): Promise<DemoStack> {
    const directory = await makeRunFolder('orders-demo');
    let stack: DemoStack | undefined;
    try {
      await requireFreeSpace(directory, DATA_NEED_MIB, 'the demo');
      const servers = await startStandaloneServers(directory, undefined, options.print, options.signal);
      const ports = [await freePort(), await freePort()];
      stack = new DemoStack(directory, servers, await createDemoContext(directory, servers, ports), ports, options);
      await Promise.race([stack.startApps(), rejectOnAbort(options.signal)]);
      return stack;
    } catch (error) {
      if (stack === undefined) await removeRunFolder(directory);
      else await stack.stop();
      throw error;
    }
  }

  /** The folder of the legacy system's files. */
  get legacyFolder(): string {
    return join(this.directory, 'db_files');
  }

  get legacyUrl(): string {
    return `http://127.0.0.1:${this.context.options.legacyPort}`;
  }

  get producerUrl(): string {
    return `http://127.0.0.1:${this.context.options.producerPort}`;
  }

  /** The facade instances: their addresses stay the same when one is started again. */
  get facades(): readonly FacadeAddress[] {
    return this.facadePorts.map((port, at) => ({ name: `facade-${at + 1}`, url: `http://127.0.0.1:${port}` }));
  }

  async areReady(): Promise<boolean> {
    const ready = await Promise.all(this.apps.all.map(async ({ url }) => url !== undefined && isReady(url)));
    return ready.every(Boolean);
  }

  /** Starts the facades again, one after the other, with a bug or without. */
  async deployFacade(bug?: string): Promise<void> {
    for (const n of FACADES) {
      const definition = this.facade(n, bug);
      const began = performance.now();
      await this.apps.stop(
        this.apps.all.filter(({ name }) => name === definition.name),
        DRAIN_BUDGET_MS,
      );
      const drained = performance.now();
      await this.apps.start(definition);
      this.options.print(
        `${definition.name} drained in ${seconds(drained - began)} s, started in ${seconds(performance.now() - drained)} s`,
      );
    }
  }

  /** Copies the log files of all processes. */
  async copyLogs(folder: string): Promise<void> {
    await cp(join(this.directory, 'logs'), folder, { recursive: true });
  }

  /** Ends everything and removes the data, in any state. */
  async stop(): Promise<void> {
    await this.mongo.client.close();
    await this.apps.stop(this.apps.all, STOP_BUDGET_MS);
    await this.servers.stop();
    await removeRunFolder(this.directory);
  }

  /** Kills everything at once, and leaves the data. */
  killAll(): void {
    this.apps.killAll();
    for (const { pid } of this.servers.surroundings.records.running()) signalIfRunning(pid, 'SIGKILL');
  }

  private async startApps(): Promise<void> {
    const { context } = this;
    const consumers = Array.from({ length: CONSUMERS }, (_, at) => consumerDefinition(context, at + 1));
    const sides = [legacyDefinition(context), producerDefinition(context), queryApiDefinition(context), ...consumers];
    const all = [...sides, ...FACADES.map((n) => this.facade(n))];
    await this.apps.start(...all);
  }

  private facade(n: (typeof FACADES)[number], bug?: string): AppDefinition {
    const port = this.facadePorts[n - 1] ?? 0;
    return facadeInstance(this.context, { n, port, settings: this.options.facadeSettings, bug });
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}
