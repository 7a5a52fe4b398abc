import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import type { MismatchDocument } from '../../../apps/facade/src/comparison/mismatches.js';
import type { Clients } from '../../../dev/migration-journey/clients.js';
import {
  targetOrders,
  openIntents,
  type LegacyFiles,
  type TargetOrder,
  type StoredSide,
  storedProblems,
  type WrittenOrder,
  type WrittenOrders,
} from '../../../dev/migration-journey/stored-orders.js';
import { waitUntil } from '../../../dev/waits.js';
import { Repetition } from '../history.js';

const POLL_MS = 100;

/** Compares both sides with what was acknowledged, by their files and their collection, whenever no intent is open. */
export class StoredChecks {
  /** See `StoredEvidence`. */
  targetOnlyFrom = Infinity;
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

  constructor(
    private readonly files: LegacyFiles,
    private readonly db: Db,
    private readonly clients: Pick<Clients, 'orders' | 'sightings'>,
  ) {}

  /** To be called when no intent is open and no client writes. */
  async compare(): Promise<void> {
    const { files, db, targetOnlyFrom, isCopied } = this;
    const { orders, sightings } = this.clients;
    const target = await targetOrders(db);
    const known = { old: sightings.old, written: orders.all, sighted: sightings.new };
    const found = storedProblems({ ...known, legacy: await files.all(), new: target, targetOnlyFrom, isCopied });
    for (const problem of Object.values(found).flat()) this.problems.add(String(problem));
    for (const problem of outOfOrderOnTopic(target, orders.all)) this.orderProblems.add(problem);
    this.sentOrders = target.filter(({ isSent }) => isSent).length;
    this.comparisons += 1;
  }

  /**
   * Waits until the imports of a backfill have copied all orders that the legacy system has now.
   * @throws Error if they have not within the limit
   */
  async untilCopied(withinMs: number, signal: AbortSignal): Promise<void> {
    const expected = await this.files.all();
    let missing = expected.length;
    await waitUntil(
      () => `the backfill has not copied ${missing} orders`,
      withinMs,
      signal,
      async () => {
        // MongoDB may be the subject of the fault.
        const there = new Set((await targetOrders(this.db).catch(() => [])).map(({ id }) => id));
        missing = expected.filter(({ id }) => !there.has(id)).length;
        return missing === 0 ? true : undefined;
      },
    );
    this.isCopied = true;
  }

  async openIntents(): Promise<number> {
    return openIntents(this.db);
  }

  /** Counts the automatic rollbacks of the journey. */
  async rollbacks(): Promise<number> {
    this.knownRollbacks = await this.db.collection('migrationAudit').countDocuments({ action: 'rollback' });
    return this.knownRollbacks;
  }

  /**
   * Returns the mismatches that the facades have stored. No bug is planted, and so there must be none.
   * @param beganAt when the run began, in ms since 1970
   */
  async mismatches(beganAt: number): Promise<string[]> {
    const found = await this.db
      .collection<MismatchDocument>('migrationMismatches')
      .find({ recheck: 'differs' })
      .toArray();
    return found.map(
      ({ capability, key, version, firstAt, count, paths, legacyRaw, newRaw }) =>
        `${capability} ${key} at ${firstAt.getTime() - beganAt} ms, ${count} times in version ${version}: ` +
        `${JSON.stringify(paths)}; the legacy system: ${legacyRaw.slice(-300)}; the target: ${newRaw.slice(-300)}`,
    );
  }
}

/** Reads the legacy system's files all the time, and judges the order in which they get the writes of each account. */
export class FileOrderWatch extends Repetition {
  /** What is wrong, one line each. */
  readonly problems = new Set<string>();
  /** How many states were compared. */
  states = 0;
  private earlier: StoredSide = [];

  constructor(
    private readonly files: LegacyFiles,
    private readonly orders: WrittenOrders,
  ) {
    super(POLL_MS, async () => this.compare());
  }

  private async compare(): Promise<void> {
    const accounts = new Set(this.orders.accounts);
    const later = (await this.files.all()).filter(({ accountId }) => accounts.has(accountId));
    const writesOf = (accountId: string): readonly WrittenOrder[] => this.orders.of(accountId);
    for (const gap of gapsBetween(this.earlier, later, writesOf)) this.problems.add(gap);
    this.states += 1;
    this.earlier = later;
  }
}

/**
 * Judges the order of an account's writes on the side of the files, which store no order: of two states, one after another, the later one
 * must have all acknowledged writes before any write that the earlier one has. Orders are never removed, so a write that is missing in the
 * later state was missing when its successor was stored.
 * @returns what is wrong, one line each
 */
export function gapsBetween(
  earlier: StoredSide,
  later: StoredSide,
  writesOf: (accountId: string) => readonly WrittenOrder[],
): string[] {
  const highest = new Map<string, number>();
  for (const { accountId, quantity } of earlier)
    highest.set(accountId, Math.max(highest.get(accountId) ?? 0, quantity));
  const there = new Set(later.map(({ accountId, quantity }) => `${accountId} ${quantity}`));
  return [...highest].flatMap(([accountId, last]) =>
    writesOf(accountId)
      .filter(({ serial, acked }) => serial < last && acked !== undefined && !there.has(`${accountId} ${serial}`))
      .map(({ serial }) => `legacy: ${accountId} has its write ${last}, but not yet its acknowledged write ${serial}`),
  );
}

/**
 * Judges the order of each account's writes on the topic, in which they are saved. Only orders that the facade sent: a backfill copies
 * older ones later. Writes without an outcome may come at any time.
 * @returns what is wrong, one line each
 */
export function outOfOrderOnTopic(orders: readonly TargetOrder[], written: readonly WrittenOrder[]): string[] {
  const acked = new Set(
    written.flatMap(({ accountId, serial, acked: ack }) => (ack ? [`${accountId} ${serial}`] : [])),
  );
  const known = orders.filter(({ isSent, accountId, quantity }) => isSent && acked.has(`${accountId} ${quantity}`));
  const byAccount = Map.groupBy(known, ({ accountId }) => accountId);
  return [...byAccount].flatMap(([accountId, own]) => {
    const onTopic = own.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
    const partitions = new Set(onTopic.map(({ partition }) => partition));
    if (partitions.size > 1) return [`new: the writes of ${accountId} are on ${partitions.size} partitions`];
    return onTopic.slice(1).flatMap(({ quantity }, at) => {
      const before = onTopic[at]?.quantity ?? 0;
      return before > quantity ? [`new: ${accountId} has its write ${quantity} after its write ${before}`] : [];
    });
  });
}

/** pino's level of errors. */
const ERROR = 50;
/** What operators must see, although nothing is wrong with the facade. */
const EXPECTED = new Set(['stage rolled back', 'limit passed, stage not rolled back']);

/** Returns the unexpected errors in the logs of all facades, one line each. */
export async function errorsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('facade'));
  const logs = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  );
  return logs.flatMap(([name, text]) => unexpectedErrors(text).map((error) => `${name}: ${error}`));
}

/** @param text a log of JSON lines @returns the unexpected errors, each message once; lines that are no JSON are errors too */
export function unexpectedErrors(text: string): string[] {
  const errors = text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const { level, msg, err } = parsed(line);
    if (level !== undefined && (level < ERROR || EXPECTED.has(msg ?? ''))) return [];
    const message = [msg ?? line, err?.message ?? ''].join(' ').trim();
    return [message.split('\n', 1).join('').slice(0, 300)];
  });
  return [...new Set(errors)];
}

interface Line {
  readonly level?: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
}

function parsed(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    // Such as a stack that the process prints when it crashes.
    return {};
  }
}
