import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from 'mongodb';
import type { MismatchDocument } from '../../../../apps/facade/src/comparison/mismatches.js';
import type { WrittenOrders } from '../clients/written-orders.js';
import { outOfOrderOnTopic } from './account-order.js';
import type { LegacyFiles } from './legacy-files.js';
import { newSideOrders, openIntents } from './new-side-orders.js';
import { storedProblems } from './stored-problems.js';

const POLL_MS = 200;

export interface StoredChecksOptions {
  readonly files: LegacyFiles;
  readonly db: Db;
  readonly orders: WrittenOrders;
  readonly offset: string;
}

/** Compares both sides with what was acknowledged, by their files and their collection, whenever no intent is open. */
export class StoredChecks {
  /** See `StoredEvidence`. */
  newOnlyFrom = Infinity;
  /** What is wrong, one line each. */
  readonly problems = new Set<string>();
  readonly orderProblems = new Set<string>();
  /** How often both sides were compared. */
  comparisons = 0;
  /** Orders of the facade on the topic, whose order was judged. */
  sentOrders = 0;
  /** Automatic rollbacks, as last counted. */
  knownRollbacks = 0;
  private isCopied = false;

  constructor(private readonly options: StoredChecksOptions) {}

  /** To be called when no intent is open and no client writes. */
  async compare(): Promise<void> {
    const { files, db, orders, offset } = this.options;
    const newSide = await newSideOrders(db);
    const { newOnlyFrom, isCopied } = this;
    const evidence = { written: orders.all, legacy: await files.all(), new: newSide, newOnlyFrom, isCopied, offset };
    for (const problem of storedProblems(evidence)) this.problems.add(problem);
    for (const problem of outOfOrderOnTopic(newSide, orders.all)) this.orderProblems.add(problem);
    this.sentOrders = newSide.filter(({ isSent }) => isSent).length;
    this.comparisons += 1;
  }

  /**
   * Waits until the imports of a backfill have copied all orders that the legacy system has now.
   * @throws Error if they have not within the limit
   */
  async untilCopied(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    const wanted = await this.options.files.all();
    for (;;) {
      // MongoDB may be the subject of the fault.
      const newSide = await newSideOrders(this.options.db).catch(() => []);
      const there = new Set(newSide.map(({ id }) => id));
      const missing = wanted.filter(({ id }) => !there.has(id));
      if (missing.length === 0) break;
      if (performance.now() > deadline) throw new Error(`the backfill has not copied ${missing.length} orders`);
      await delay(POLL_MS);
    }
    this.isCopied = true;
  }

  async openIntents(): Promise<number> {
    return openIntents(this.options.db);
  }

  /** Counts the automatic rollbacks of the journey. */
  async rollbacks(): Promise<number> {
    this.knownRollbacks = await this.options.db.collection('migrationAudit').countDocuments({ action: 'rollback' });
    return this.knownRollbacks;
  }

  /**
   * Returns the mismatches that the facades have stored. No bug is planted, and so there must be none.
   * @param beganAt when the run began, in ms since 1970
   */
  async mismatches(beganAt: number): Promise<string[]> {
    const found = await this.options.db
      .collection<MismatchDocument>('migrationMismatches')
      .find({ recheck: 'differs' })
      .toArray();
    return found.map(
      ({ capability, key, version, firstAt, count, paths, legacyRaw, newRaw }) =>
        `${capability} ${key} at ${firstAt.getTime() - beganAt} ms, ${count} times in version ${version}: ` +
        `${JSON.stringify(paths)}; the legacy system: ${legacyRaw.slice(-300)}; the new side: ${newRaw.slice(-300)}`,
    );
  }
}
