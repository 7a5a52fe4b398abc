import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Mongo } from '#service/mongodb/mongo.js';
import { rejectOnAbort } from '../machine/abortion.js';
import { requireFreeSpace } from '../machine/disk-space.js';
import { freePort } from '../machine/ports.js';
import { signalIfRunning } from '../machine/process-table.js';
import { makeRunFolder, removeRunFolder } from '../machine/run-folder.js';
import type { ProcessRecord } from '../servers/process-records.js';
import { startStandaloneServers, type StandaloneServers } from '../servers/standalone-servers.js';
import {
  consumerDefinition,
  legacyDefinition,
  producerDefinition,
  queryApiDefinition,
  type AppContext,
} from '../supervisor/app-definitions.js';
import { AppLogView } from '../supervisor/app-log-view.js';
import type { AppDefinition } from '../supervisor/app-process.js';
import { App } from '../supervisor/app.js';
import { createDemoContext, facadeInstance } from './demo-apps.js';

/** Space for 100,000 orders on both sides, journals and logs. */
const DATA_NEED_MIB = 2_048;
const DRAIN_BUDGET_MS = 15_000;
const STOP_BUDGET_MS = 5_000;
const POLL_MS = 10;
/** Number of consumers. */
export const CONSUMERS = 2;
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
  private readonly apps = new Map<string, App>();

  private constructor(
    private readonly directory: string,
    private readonly servers: StandaloneServers,
    private readonly context: AppContext,
    private readonly facadePorts: readonly number[],
    private readonly options: DemoStackOptions,
  ) {
    this.mongo = new Mongo(servers.addresses.MONGODB_URI, 'migration-demo');
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

  /** The addresses of the facade instances: they stay the same when an instance is started again. */
  get facadeUrls(): readonly string[] {
    return this.facadePorts.map((port) => `http://127.0.0.1:${port}`);
  }

  /** Starts the facades again, one after the other, with a bug or without. */
  async deployFacade(bug?: string): Promise<void> {
    for (const n of FACADES) {
      const definition = this.facade(n, bug);
      const began = performance.now();
      await this.apps.get(definition.name)?.stop(DRAIN_BUDGET_MS);
      const drained = performance.now();
      await this.start(definition);
      this.options.print(
        `${definition.name} drained in ${seconds(drained - began)} s, started in ${seconds(performance.now() - drained)} s`,
      );
    }
  }

  /** Kills an app by SIGKILL, and waits until its process has ended. It is started again. @returns the pid of the process */
  async kill(name: string): Promise<number> {
    const pid = this.pidOf(name);
    signalIfRunning(pid, 'SIGKILL');
    while (this.running().some((record) => record.pid === pid)) await delay(POLL_MS);
    return pid;
  }

  /** Stops an app's process without ending it, until it is killed. */
  pause(name: string): void {
    signalIfRunning(this.pidOf(name), 'SIGSTOP');
  }

  /** Copies the log files of all processes. */
  async copyLogs(folder: string): Promise<void> {
    await cp(join(this.directory, 'logs'), folder, { recursive: true });
  }

  /** Ends everything and removes the data, in any state. */
  async stop(): Promise<void> {
    await this.mongo.client.close();
    await Promise.all([...this.apps.values()].map(async (app) => app.stop(STOP_BUDGET_MS)));
    await this.servers.stop();
    await removeRunFolder(this.directory);
  }

  /** Kills everything at once, and leaves the data. */
  killAll(): void {
    for (const app of this.apps.values()) app.kill();
    for (const { pid } of this.running()) signalIfRunning(pid, 'SIGKILL');
  }

  private running(): ProcessRecord[] {
    return this.servers.surroundings.records.running();
  }

  private pidOf(name: string): number {
    const found = this.running().find((record) => record.name === name);
    if (found === undefined) throw new Error(`${name} does not run`);
    return found.pid;
  }

  private async startApps(): Promise<void> {
    const { context } = this;
    const consumers = Array.from({ length: CONSUMERS }, (_, at) => consumerDefinition(context, at + 1));
    const sides = [legacyDefinition(context), producerDefinition(context), queryApiDefinition(context), ...consumers];
    const all = [...sides, ...FACADES.map((n) => this.facade(n))];
    await Promise.all(all.map(async (definition) => this.start(definition)));
  }

  private async start(definition: AppDefinition): Promise<void> {
    // Their messages are in their log files; a failure carries the relevant lines in its error.
    const view = new AppLogView(() => undefined, false);
    const noListeners = { onRequest: () => undefined, onListening: () => undefined };
    const app = new App(definition, { ...this.servers.surroundings, view, ...noListeners }, this.options.print);
    this.apps.set(definition.name, app);
    await app.start();
  }

  private facade(n: (typeof FACADES)[number], bug?: string): AppDefinition {
    const port = this.facadePorts[n - 1] ?? 0;
    return facadeInstance(this.context, { n, port, settings: this.options.facadeSettings, bug });
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}
