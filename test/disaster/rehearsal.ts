import { join } from 'node:path';
import { makeRunFolder, removeRunFolder } from '../../dev/machine/run-folder.js';
import type { Manifest } from '../../apps/admin/src/backup/manifest.js';
import type { RestoreReport } from '../../apps/admin/src/restore/restore-report.js';
import { eventually } from '../support/eventually.js';
import { compareStores, type StoreComparison } from '../support/foreign-clients/compare-stores.js';
import { reconcileAll, untilComplete, type Reconciled } from './checks.js';
import { DisasterStack } from './disaster-stack.js';
import { SentOrders } from './sent-orders.js';
import { Steps, type Step } from './steps.js';
import { untilConsumed } from './until-consumed.js';

export interface RehearsalOptions {
  /** Orders before the backup. */
  readonly orders: number;
  readonly print: (line: string) => void;
}

/** The result of a rehearsed disaster. */
export interface Rehearsal {
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
  readonly restoreSeconds: number;
  readonly replaySeconds: number;
}

const RESTORE = 'restore the backup';
const REPLAY = 'start all services; the consumers read what came after the backup';

/** Loses MongoDB under load, restores it from a backup that was taken under load, and compares both stores. Leaves nothing behind. */
export async function rehearse({ orders, print }: RehearsalOptions): Promise<Rehearsal> {
  const folder = await makeRunFolder('orders-disaster');
  const stack = new DisasterStack(join(folder, 'data'));
  const steps = new Steps(print);
  try {
    const found = await new Rehearsing(orders, stack, steps, join(folder, 'backup')).run();
    const [restoreSeconds, replaySeconds] = [steps.secondsOf(RESTORE), steps.secondsOf(REPLAY)];
    return { orders, steps: steps.all, ...found, restoreSeconds, replaySeconds };
  } finally {
    await stack.stop();
    await removeRunFolder(folder);
  }
}

class Rehearsing {
  private readonly sending: SentOrders;

  constructor(
    private readonly orders: number,
    private readonly stack: DisasterStack,
    private readonly steps: Steps,
    private readonly backupFolder: string,
  ) {
    this.sending = new SentOrders(() => stack.running, orders);
  }

  async run(): Promise<Omit<Rehearsal, 'orders' | 'steps' | 'restoreSeconds' | 'replaySeconds'>> {
    const { steps, stack, sending } = this;
    await steps.take('start all processes', async () => [await stack.start(), undefined]);
    await steps.take(`send and save ${this.orders.toLocaleString('en-US')} orders, and import some`, async () => [
      await sending.saveAll(),
      undefined,
    ]);
    const [running, cancelled] = await sending.begin();
    const manifest = await this.backUp();
    const lost = await steps.take(
      'send more, redrive dead letters, pause one populate and cancel the other',
      async () => {
        const ids = await sending.sendMore(running, cancelled);
        return [`${ids.length} operations that the backup lacks`, ids];
      },
    );
    await this.loseMongodb();
    const report = await this.restore();
    await steps.take(REPLAY, async () => {
      await stack.start();
      const left = await untilConsumed(stack.running.brokers);
      return [`${left.toLocaleString('en-US')} records were left when they were ready`, undefined];
    });
    const nextNumber = await steps.take(
      'cancel a paused populate again, resume the other, send new orders',
      async () => {
        const first = await sending.goOn(running, cancelled);
        return [`order numbers go on at ${first.toLocaleString('en-US')}`, first];
      },
    );
    return { manifest, report, sent: { running, cancelled, lost }, nextNumber, ...(await this.check()) };
  }

  private async backUp(): Promise<Manifest> {
    return this.steps.take('back up while orders are sent and saved', async () => {
      const { code, stdout, stderr } = await this.stack.admin('backup', this.backupFolder, '--json');
      if (code !== 0) throw new Error(`the backup ended with ${code}: ${stderr}`);
      const manifest = JSON.parse(stdout) as Manifest;
      const documents = manifest.collections.reduce((sum, each) => sum + each.documents, 0);
      return [`${documents.toLocaleString('en-US')} documents`, manifest];
    });
  }

  private async loseMongodb(): Promise<void> {
    await this.steps.take('kill every process, and lose the data of MongoDB', async () => {
      await this.stack.loseMongodb();
      return ['its folder is removed', undefined];
    });
    await this.steps.take('start the servers, with an empty MongoDB', async () => [
      await this.stack.start('--servers-only'),
      undefined,
    ]);
  }

  private async restore(): Promise<RestoreReport> {
    await this.steps.take('check the backup, until Kafka has noticed that the consumers were killed', async () => {
      await eventually('it can be restored', async () => {
        const { code, stderr } = await this.stack.admin('restore', '--check', this.backupFolder);
        return code === 0 || { stderr };
      });
      return ['it can be restored', undefined];
    });
    const report = await this.steps.take(RESTORE, async () => {
      const { code, stdout, stderr } = await this.stack.admin('restore', this.backupFolder, '--json');
      // 1: it lists operations that are lost or paused.
      if (code !== 1) throw new Error(`the restore ended with ${code}: ${stderr}`);
      const found = JSON.parse(stdout) as RestoreReport;
      const { documents, lostOperations, pausedOperations } = found;
      const [lost, paused] = [lostOperations.length, pausedOperations.length];
      return [`${documents.toLocaleString('en-US')} documents; ${lost} operations lost, ${paused} paused`, found];
    });
    await this.stack.stop();
    return report;
  }

  private async check(): Promise<Pick<Rehearsal, 'comparison' | 'reconciled' | 'watermark'>> {
    const { steps, stack } = this;
    const comparison = await steps.take('compare Kafka with MongoDB by foreign clients', async () => {
      const found = await compareStores(stack.running);
      const { records, stored, lost, doubled, foreign } = found;
      return [`${records} records, ${stored} orders: ${lost} lost, ${doubled} doubled, ${foreign} foreign`, found];
    });
    const reconciled = await steps.take('reconcile every operation', async () => {
      const found = await reconcileAll(stack.running);
      return [`${found.count} operations, ${found.broken.length} do not hold`, found];
    });
    const watermark = await steps.take('wait until the watermark passes every order number', async () => {
      const found = await untilComplete(stack.running);
      return [`${found[0]} of ${found[1]}`, found];
    });
    return { comparison, reconciled, watermark };
  }
}
