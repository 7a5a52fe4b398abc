import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runApp, type Run } from '../support/started-app.js';
import { TestSystem } from '../support/test-system.js';
import { systemClock } from '@orders-pipeline/clock';
import { makeRunFolder, removeRunFolder } from '../../dev/servers/data-directory.js';
import type { Manifest } from '../../apps/admin/src/backup/manifest.js';
import type { RestoreReport } from '../../apps/admin/src/restore/restore-report.js';
import { eventually } from '../support/eventually.js';
import { compareStores, type StoreComparison } from '../support/fetched-programs.js';
import { reconcileAll, untilComplete, untilConsumed, type Reconciled, SentOrders } from './sent-orders.js';

const FLAGS = ['--no-console', '--save-ms', '0..20'];

/** The system of `npm start` on one data folder, which a disaster hits. */
class DisasterStack {
  private system: TestSystem | undefined;

  constructor(private readonly data: string) {}

  /** The running pipeline. */
  get running(): TestSystem {
    if (this.system === undefined) throw new Error('the stack does not run');
    return this.system;
  }

  /** @returns `ready`, once it is */
  async start(...flags: readonly string[]): Promise<string> {
    const plan = { servers: 'own', dataDirectory: this.data, flags: [...FLAGS, ...flags] } as const;
    this.system = await TestSystem.start(plan);
    return 'ready';
  }

  async stop(): Promise<void> {
    const { system } = this;
    this.system = undefined;
    await system?.stop();
  }

  /** Kills every process at once, and removes the data of MongoDB. */
  async loseMongodb(): Promise<void> {
    const { running } = this;
    this.system = undefined;
    await running.killAll();
    await rm(join(this.data, 'mongodb'), { recursive: true, force: true });
  }

  /** Runs `npm run admin`. */
  async admin(...args: readonly string[]): Promise<Run> {
    const { brokers, mongodbUri, registryUrl } = this.running;
    const servers = { KAFKA_BROKERS: brokers, MONGODB_URI: mongodbUri, SCHEMA_REGISTRY_URL: registryUrl };
    return runApp('admin', servers, ...args);
  }
}

/** A step of a rehearsal and how long it took. */
interface Step {
  readonly title: string;
  readonly seconds: number;
  readonly result: string;
}

/** The result of a rehearsed disaster. */
export interface Rehearsal {
  /** Orders before the backup. */
  readonly orders: number;
  readonly steps: readonly Step[];
  readonly manifest: Manifest;
  readonly report: RestoreReport;
  /** Ids of operations: one that runs at the backup, one that is cancelled after it, and those that begin after it. */
  readonly sent: { readonly running: string; readonly cancelled: string; readonly lost: readonly string[] };
  readonly comparison: StoreComparison;
  readonly reconciled: Reconciled;
  /** The first number of an operation that began after the restore. */
  readonly nextNumber: number;
  /** The watermark of the query API, and the highest number that was reserved. */
  readonly watermark: readonly [reached: number, highest: number];
  /** Of the restore and the replay. */
  readonly seconds: number;
}

const figure = (value: number): string => value.toLocaleString('en-US');

/**
 * Loses MongoDB under load, restores it from a backup that was taken under load, and compares both stores. Leaves nothing behind.
 * @param orders before the backup
 */
export async function rehearse(orders: number, print: (line: string) => void): Promise<Rehearsal> {
  const folder = await makeRunFolder('orders-disaster');
  const stack = new DisasterStack(join(folder, 'data'));
  try {
    return await new Rehearsing(orders, stack, join(folder, 'backup'), print).run();
  } finally {
    await stack.stop();
    await removeRunFolder(folder);
  }
}

class Rehearsing {
  private readonly steps: Step[] = [];

  constructor(
    private readonly orders: number,
    private readonly stack: DisasterStack,
    private readonly backupFolder: string,
    private readonly print: (line: string) => void,
  ) {}

  async run(): Promise<Rehearsal> {
    const { orders, stack, steps } = this;
    const sending = new SentOrders(() => stack.running, orders);
    await this.take('start all processes', async () => stack.start(), String);
    await this.take(`send and save ${figure(orders)} orders, and import some`, async () => sending.saveAll(), String);
    const [running, cancelled] = await sending.begin();
    const manifest = await this.take(
      'back up while orders are sent and saved',
      async () => this.admin<Manifest>(0, 'backup', this.backupFolder, '--json'),
      ({ collections }) => `${figure(collections.reduce((sum, each) => sum + each.documents, 0))} documents`,
    );
    const lost = await this.take(
      'send more, redrive dead letters, pause one populate and cancel the other',
      async () => sending.sendMore(running, cancelled),
      (ids) => `${ids.length} operations that the backup lacks`,
    );
    const report = await this.loseAndRestore();
    await this.take(
      'start all services; the consumers read what came after the backup',
      async () => {
        await stack.start();
        return untilConsumed(stack.running.brokers);
      },
      (left) => `${figure(left)} records were left when they were ready`,
    );
    const [restored, replayed] = [steps.at(-2), steps.at(-1)];
    const nextNumber = await this.take(
      'cancel a paused populate again, resume the other, send new orders',
      async () => sending.goOn(running, cancelled),
      (first) => `order numbers go on at ${figure(first)}`,
    );
    const seconds = (restored?.seconds ?? Number.NaN) + (replayed?.seconds ?? Number.NaN);
    return {
      orders,
      steps,
      manifest,
      report,
      sent: { running, cancelled, lost },
      nextNumber,
      seconds,
      ...(await this.check()),
    };
  }

  private async loseAndRestore(): Promise<RestoreReport> {
    const { stack, backupFolder } = this;
    await this.take(
      'kill every process, and lose the data of MongoDB',
      async () => stack.loseMongodb(),
      () => 'its folder is removed',
    );
    await this.take('start the servers, with an empty MongoDB', async () => stack.start('--servers-only'), String);
    await this.take(
      'check the backup, until Kafka has noticed that the consumers were killed',
      async () =>
        eventually('it can be restored', async () => {
          const { code, stderr } = await stack.admin('restore', '--check', backupFolder);
          return code === 0 || { stderr };
        }),
      () => 'it can be restored',
    );
    const report = await this.take(
      'restore the backup',
      // 1: it lists operations that are lost or paused.
      async () => this.admin<RestoreReport>(1, 'restore', backupFolder, '--json'),
      ({ documents, lostOperations, pausedOperations }) =>
        `${figure(documents)} documents; ${lostOperations.length} operations lost, ${pausedOperations.length} paused`,
    );
    await stack.stop();
    return report;
  }

  private async check(): Promise<Pick<Rehearsal, 'comparison' | 'reconciled' | 'watermark'>> {
    const { running } = this.stack;
    return {
      comparison: await this.take(
        'compare Kafka with MongoDB by foreign clients',
        async () => compareStores(running),
        ({ records, stored, lost, doubled, foreign }) =>
          `${records} records, ${stored} orders: ${lost} lost, ${doubled} doubled, ${foreign} foreign`,
      ),
      reconciled: await this.take(
        'reconcile every operation',
        async () => reconcileAll(running),
        ({ count, broken }) => `${count} operations, ${broken.length} do not hold`,
      ),
      watermark: await this.take(
        'wait until the watermark passes every order number',
        async () => untilComplete(running),
        ([reached, highest]) => `${reached} of ${highest}`,
      ),
    };
  }

  /** Runs `npm run admin`. @returns the JSON that it prints. @throws Error if it ends with another exit code */
  private async admin<T>(wanted: number, ...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.stack.admin(...args);
    if (code !== wanted) throw new Error(`admin ${args.join(' ')} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Takes a step. @param describe says what came of it */
  private async take<T>(title: string, work: () => Promise<T>, describe: (value: T) => string): Promise<T> {
    this.print(title);
    const startedAt = systemClock.now();
    const value = await work();
    const seconds = (systemClock.now() - startedAt) / 1_000;
    const result = describe(value);
    this.steps.push({ title, seconds, result });
    this.print(`  ${seconds.toFixed(1)} s: ${result}`);
    return value;
  }
}
