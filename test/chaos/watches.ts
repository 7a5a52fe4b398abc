import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { operationsCollection, type OperationDocument, ackedOrders } from '#orders/operation/operation.js';
import {
  recordsBetween,
  DEAD_LETTER_GROUP,
  DEAD_LETTER_TOPIC,
  ORDERS_CONSUMER_GROUP,
  ORDERS_TOPIC,
} from '#orders/topics/topics.js';
import { reconcile } from '#reconcile/reconcile.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { KafkaPositions } from '#service/kafka/kafka-clients.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { isErrno } from '../../dev/machine/processes.js';
import { reasonOf } from '../../dev/migration-journey/clients.js';
import { isReady } from '../../dev/migration-journey/operator.js';
import { readMetric, type Cluster } from './cluster/cluster.js';
import { type History, Repetition } from './history.js';
import type { Footprint } from './findings.js';
import type { SavedNumbers } from './load.js';

const RECOVERY_POLL_MS = 200;
/** Longer than the limit: the next fault should begin on a healthy cluster, whatever went wrong. */
const RECOVERY_TIMEOUT_MS = 180_000;

/** Time from the end of a fault until the cluster works as before, in milliseconds; or what was still missing at the timeout. */
export type Recovery =
  | { readonly afterMs: number }
  | { readonly missing: readonly string[]; readonly withinMs: number };

export interface Progress {
  /** Acknowledged orders as of the last successful poll, and when that poll began, by `performance.now()`. */
  readonly lastAcked: { readonly orders: number; readonly polledAt: number } | undefined;
  readonly saved: SavedNumbers;
  /** Whether the load has ended; then no progress is required, but that each partition has saved orders: faults without any show nothing. */
  isComplete(): boolean;
}

/**
 * Waits until the cluster does all its work again: every app is ready, Kafka acknowledges new orders, and on every partition more orders
 * are saved than at the end of the fault.
 * @param enough ends the wait
 */
export async function waitForRecovery(
  cluster: Cluster,
  progress: Progress,
  enough: AbortSignal,
  timeoutMs = RECOVERY_TIMEOUT_MS,
): Promise<Recovery> {
  const endedAt = performance.now();
  const since = (): number => Math.round(performance.now() - endedAt);
  let ackedBefore: number | undefined;
  const savedBefore = [...progress.saved.byPartition];
  for (;;) {
    const { lastAcked } = progress;
    // A poll that began before the end of the fault may return an older count.
    if (lastAcked !== undefined && lastAcked.polledAt > endedAt) ackedBefore ??= lastAcked.orders;
    const missing = [...(await listUnready(cluster)), ...listStalled(progress, ackedBefore, savedBefore)];
    if (missing.length === 0 || enough.aborted) return { afterMs: since() };
    if (since() > timeoutMs) return { missing, withinMs: since() };
    await delay(RECOVERY_POLL_MS);
  }
}

/** Lists the apps that are missing or not ready. */
async function listUnready(cluster: Cluster): Promise<string[]> {
  const { all } = cluster.apps;
  const ready = await Promise.all(all.map(async ({ url }) => url !== undefined && (await isReady(url))));
  const consumers = cluster.of('consumer').length;
  return [
    ...(consumers === cluster.product.desiredConsumers ? [] : [`${consumers} consumers run`]),
    ...all.flatMap(({ name }, at) => (ready[at] === true ? [] : [`${name} is not ready`])),
  ];
}

function listStalled(progress: Progress, ackedBefore: number | undefined, savedBefore: readonly number[]): string[] {
  const isComplete = progress.isComplete();
  const acked = progress.lastAcked?.orders ?? 0;
  const isAcknowledging = isComplete || acked > (ackedBefore ?? Infinity);
  const stalled = progress.saved.byPartition.flatMap((saved, partition) =>
    saved > (isComplete ? 0 : (savedBefore[partition] ?? 0))
      ? []
      : [`no new orders of partition ${partition} are saved`],
  );
  return [...(isAcknowledging ? [] : ['no new orders are acknowledged']), ...stalled];
}

const POLL_INTERVAL_MS = 1_000;

interface Reconciliation {
  readonly reports: readonly ReconcileReport[];
  /** Operations that could not be reconciled, with the reason. */
  readonly unreconciled: readonly string[];
}

/**
 * Reconciles every operation once both topics are fully consumed, repeatedly until none is pending or the time is over. It waits for the
 * consumers, since a second copy of an order may do harm after the first copy is saved.
 * @param enough ends the wait
 */
export async function waitUntilReconciled(
  cluster: Cluster,
  withinMs: number,
  enough: AbortSignal,
): Promise<Reconciliation> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const operations = await operationsOf(cluster.mongo);
    const isLate = enough.aborted || performance.now() > deadline;
    if (isLate || (operations.every(({ status }) => status !== 'running') && (await isConsumed(cluster.positions)))) {
      const found = await reconcileAll(cluster, operations);
      const isFinal = found.unreconciled.length === 0 && found.reports.every(({ verdict }) => verdict !== 'pending');
      if (isLate || isFinal) return found;
    }
    await delay(POLL_INTERVAL_MS);
  }
}

/** Returns the ids and states of all operations. */
async function operationsOf({ db }: Mongo): Promise<Pick<OperationDocument, '_id' | 'status'>[]> {
  return operationsCollection(db)
    .find({}, { projection: { _id: 1, status: 1 } })
    .toArray();
}

/** Reconciles the operations as they are now. */
async function reconcileAll(
  { mongo: { client, db }, positions }: Cluster,
  operations: readonly { readonly _id: string }[],
): Promise<Reconciliation> {
  const reports: ReconcileReport[] = [];
  const unreconciled: string[] = [];
  for (const { _id: operationId } of operations)
    try {
      reports.push(await reconcile({ client, db, positions, operationId }));
    } catch (error) {
      unreconciled.push(`${operationId} (${reasonOf(error)})`);
    }
  return { reports, unreconciled };
}

/** Whether the consumer groups have committed the ends of both topics. */
async function isConsumed(positions: KafkaPositions): Promise<boolean> {
  const left = async (group: string, topic: string): Promise<number> =>
    recordsBetween(await positions.committed(group, topic), await positions.ends(topic));
  try {
    return (
      (await left(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC)) === 0 &&
      (await left(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC)) === 0
    );
  } catch {
    // Kafka does not answer yet: retry.
    return false;
  }
}

const ACKED_EVERY_MS = 500;
const EVERY_MS = 1_000;
const COUNTER_TIMEOUT_MS = 900;
const REPEATED = /^consumer_orders_total\{[^}]*result="repeated"[^}]*\} (\d+)/m;

/** Polls twice a second how many orders of one operation are acknowledged. */
export class AckedWatch extends Repetition {
  /** Result of the last successful poll. */
  last: Progress['lastAcked'];

  constructor(
    private readonly mongo: Mongo,
    private readonly operationId: string,
    onPoll: (acked: number | null) => void,
  ) {
    super(ACKED_EVERY_MS, async () => onPoll(await this.poll()));
  }

  private async poll(): Promise<number | null> {
    const polledAt = performance.now();
    try {
      const operations = operationsCollection(this.mongo.db);
      const operation = await operations.findOne({ _id: this.operationId }, { projection: { segments: 1 } });
      if (operation === null) return null;
      this.last = { orders: ackedOrders(operation.segments), polledAt };
      return this.last.orders;
    } catch {
      // MongoDB has no primary now: some faults cause exactly this.
      return null;
    }
  }
}

/**
 * Polls once a second the consumers' counters of saves that found their order already stored. Misses what a consumer counted in its last
 * second before it was killed.
 */
export class RepeatsWatch extends Repetition {
  /** Number of successful readings. The findings check that there was one. */
  readings = 0;
  /** The last reading of each process, by its URL: a new process listens on another port. */
  private readonly last = new Map<string, { readonly count: number; readonly at: number }>();

  constructor(
    private readonly cluster: Cluster,
    private readonly history: History,
  ) {
    super(EVERY_MS, async () => this.pollAll());
  }

  private async pollAll(): Promise<void> {
    await Promise.all(this.cluster.apps.urlsOf('consumer').map(async (url) => this.poll(url)));
  }

  /** A consumer that does not answer in time is read again later: the repeats may be as old as its last answer, or the begin of its watch. */
  private async poll(url: string): Promise<void> {
    const at = this.history.now();
    const last = this.last.get(url) ?? { count: 0, at };
    this.last.set(url, last);
    const count = await readMetric(url, REPEATED, COUNTER_TIMEOUT_MS);
    if (count === undefined) return;
    this.last.set(url, { count, at });
    this.readings += 1;
    const saves = count - last.count;
    if (saves > 0) this.history.add({ type: 'repeats', saves, sinceMs: this.history.now() - last.at });
  }
}

/** Judges the evidence while a run goes on, and aborts its signal once it is enough. */
export class EvidenceWatch extends Repetition {
  /** The reports that were enough. */
  found: Reconciliation | undefined;
  private readonly enough = new AbortController();

  constructor(
    private readonly cluster: Cluster,
    /** Whether the reports of all operations, and all other evidence so far, are enough. */
    private readonly isEnough: (reports: readonly ReconcileReport[]) => boolean,
  ) {
    super(EVERY_MS, async () => this.judge());
  }

  get signal(): AbortSignal {
    return this.enough.signal;
  }

  private async judge(): Promise<void> {
    if (this.signal.aborted) return;
    const reconciled = await this.reconcile();
    if (!this.isEnough(reconciled.reports)) return;
    this.found = reconciled;
    this.enough.abort();
  }

  /** Returns no reports while MongoDB does not answer: some faults cause exactly this. */
  private async reconcile(): Promise<Reconciliation> {
    try {
      return await reconcileAll(this.cluster, await operationsOf(this.cluster.mongo));
    } catch {
      return { reports: [], unreconciled: [] };
    }
  }
}

/** Reads the footprints of all running processes of a cluster. Linux only. */
export async function footprints(cluster: Cluster): Promise<Footprint[]> {
  const urls = new Map(cluster.apps.all.map(({ name, url }) => [name, url]));
  const found = await Promise.all(
    cluster.running().map(async ({ name, pid }) => footprintOf(name, pid, urls.get(name))),
  );
  return found.flat();
}

const HANDLES = /^nodejs_active_resources_total (\d+)/m;

/** @returns an empty list if the process ends meanwhile */
async function footprintOf(name: string, pid: number, url: string | undefined): Promise<Footprint[]> {
  try {
    const openFiles = (await readdir(`/proc/${pid}/fd`)).length;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const rssMiB = Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
    // Other checks find out whether the app answers.
    const handles = url === undefined ? undefined : await readMetric(url, HANDLES);
    return [{ name, openFiles, rssMiB, handles: handles ?? null }];
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return [];
    throw error;
  }
}
