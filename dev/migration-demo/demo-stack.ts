import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Mongo } from '#service/mongodb/mongo.js';
import { freePort } from '../machine/ports.js';
import type { FacadeAddress } from '../migration-journey/clients.js';
import { isReady } from '../migration-journey/operator.js';
import { ZONE } from '../migration-journey/stored-orders.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { facadeDefinition } from '../supervisor/app-definitions.js';
import type { RunningApps } from '../supervisor/apps.js';
import { TemporaryStack } from '../supervisor/temporary-stack.js';

/** Short, so that the demo fits five minutes: with up to a second, reads of the newest orders wait that long. */
export const SAVE_DELAY_MS = '0..100';

/** Space for 100,000 orders on both sides, journals and logs. */
const NEEDED_MIB = 2_048;
const DRAIN_BUDGET_MS = 15_000;
const APPS = { console: 0, consumer: 2, facade: 2 };
const FACADES = [1, 2] as const;
const PLANT_BUG = pathToFileURL(join(PROJECT_DIRECTORY, 'dist/dev/migration-demo/plant-bug.js')).href;

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

  private constructor(
    private readonly stack: TemporaryStack,
    /** The instances keep their addresses when they are started again. */
    readonly facades: readonly FacadeAddress[],
    private readonly facadeEnv: (bug?: string) => (name: string) => NodeJS.ProcessEnv,
    private readonly print: (line: string) => void,
  ) {
    this.mongo = new Mongo(stack.addresses.MONGODB_URI, 'migration-demo');
  }

  /** Resolves when all apps are ready. @throws StackError, or the abort reason; everything is cleaned up first */
  static async start({ facadeSettings, print, signal }: DemoStackOptions): Promise<DemoStack> {
    const second = String(await freePort());
    const facadeEnv =
      (bug?: string) =>
      (name: string): NodeJS.ProcessEnv => ({
        ...(name.startsWith('facade') && facadeSettings),
        ...(name === 'facade-2' && { PORT: second }),
        ...(bug !== undefined && { PLANTED_BUG: bug, NODE_OPTIONS: `--import ${PLANT_BUG}` }),
      });
    const stack = await TemporaryStack.start({
      tool: 'orders-demo',
      neededMiB: NEEDED_MIB,
      flags: ['--legacy', '--save-ms', SAVE_DELAY_MS],
      env: { LOG_LEVEL: 'warn', LEGACY_TIME_ZONE: ZONE.name, RATE_LIMIT_PER_MINUTE: '1000000' },
      apps: APPS,
      envOf: facadeEnv(),
      print,
      signal,
    });
    const facades = [
      { name: 'facade', url: stack.url('FACADE_PORT') },
      { name: 'facade-2', url: `http://127.0.0.1:${second}` },
    ];
    return new DemoStack(stack, facades, facadeEnv, print);
  }

  get apps(): RunningApps {
    return this.stack.apps;
  }

  /** The folder of the legacy system's files. */
  get legacyFolder(): string {
    return join(this.stack.directory, 'db_files');
  }

  get legacyUrl(): string {
    return this.stack.url('LEGACY_PORT');
  }

  get producerUrl(): string {
    return this.stack.url('PRODUCER_PORT');
  }

  async areReady(): Promise<boolean> {
    const ready = await Promise.all(this.apps.all.map(async ({ url }) => url !== undefined && isReady(url)));
    return ready.every(Boolean);
  }

  /** Starts the facades again, one after the other, with a bug or without. */
  async deployFacade(bug?: string): Promise<void> {
    for (const n of FACADES) {
      const definition = facadeDefinition({ ...this.stack.context, envOf: this.facadeEnv(bug) }, n);
      const began = performance.now();
      await this.apps.stop(
        this.apps.all.filter(({ name }) => name === definition.name),
        DRAIN_BUDGET_MS,
      );
      const drained = performance.now();
      await this.apps.start(definition);
      this.print(
        `${definition.name} drained in ${seconds(drained - began)} s, started in ${seconds(performance.now() - drained)} s`,
      );
    }
  }

  /** Copies the log files of all processes. */
  async copyLogs(folder: string): Promise<void> {
    await cp(join(this.stack.directory, 'logs'), folder, { recursive: true });
  }

  /** Ends everything and removes the data, in any state. */
  async stop(): Promise<void> {
    await this.mongo.client.close();
    await this.stack.stop();
  }

  /** Kills everything at once, and leaves the data. */
  killAll(): void {
    this.stack.kill();
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}
