import { readdir, readFile } from 'node:fs/promises';
import { operationsCollection } from '#orders/operation/operation.js';
import { ackedOrders } from '#orders/operation/segments.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { isErrno } from '../../../dev/machine/process-table.js';
import type { ClusterApps } from '../cluster/cluster-apps.js';
import type { Cluster } from '../cluster/cluster.js';
import type { History } from '../history.js';
import { Repetition } from '../repetition.js';
import type { Footprint } from './evidence.js';
import { operationsOf, reconcileAll, type Progress, type Settled } from './settled.js';

const ACKED_EVERY_MS = 500;
const EVERY_MS = 1_000;
const METRICS_TIMEOUT_MS = 900;
const REPEATED = /^consumer_orders_total\{[^}]*result="repeated"[^}]*\} (\d+)/m;

/** Polls twice a second how many orders of one operation are acknowledged. */
export class AckedWatch {
  /** Result of the last successful poll. */
  last: Progress['lastAcked'];
  private polling: Repetition | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly onPoll: (acked: number | null) => void,
  ) {}

  begin(operationId: string): void {
    this.polling = new Repetition(ACKED_EVERY_MS, async () => this.onPoll(await this.poll(operationId)));
    this.polling.begin();
  }

  async end(): Promise<void> {
    await this.polling?.end();
  }

  private async poll(_id: string): Promise<number | null> {
    const polledAt = performance.now();
    try {
      const operation = await operationsCollection(this.mongo.db).findOne({ _id }, { projection: { segments: 1 } });
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
  /** Number of successful readings. */
  readings = 0;
  /** Last count of each process, by its URL: a new process listens on another port. */
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly apps: ClusterApps,
    private readonly history: History,
  ) {
    super(EVERY_MS, async () => this.pollAll());
  }

  private async pollAll(): Promise<void> {
    const urls = this.apps.all.filter(({ job }) => job === 'consumer').flatMap(({ url }) => url ?? []);
    const more = await Promise.all(urls.map(async (url) => this.poll(url)));
    const saves = more.reduce((sum, count) => sum + count, 0);
    if (saves > 0) this.history.add({ type: 'repeats', saves });
  }

  /** @returns the repeated saves since the last reading */
  private async poll(url: string): Promise<number> {
    try {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) });
      const reading = REPEATED.exec(await response.text())?.[1];
      if (reading === undefined) throw new Error(`${url} does not export its repeated saves`);
      const before = this.counts.get(url) ?? 0;
      const count = Number(reading);
      this.counts.set(url, count);
      this.readings += 1;
      return count - before;
    } catch {
      // The consumer hangs, has ended or is starting: keep its last count. The findings check that at least one reading succeeded.
      return 0;
    }
  }
}

/** Judges the evidence while a run goes on, and aborts its signal once it is enough. */
export class EvidenceWatch {
  /** The reports that were enough. */
  found: Settled | undefined;
  private readonly enough = new AbortController();
  private readonly positions: KafkaPositions;
  private readonly judging = new Repetition(EVERY_MS, async () => this.judge());

  constructor(
    private readonly cluster: Cluster,
    /** Whether the reports of all operations, and all other evidence so far, are enough. */
    private readonly isEnough: (reports: readonly ReconcileReport[]) => boolean,
  ) {
    this.positions = new KafkaPositions(cluster.kafka);
  }

  get signal(): AbortSignal {
    return this.enough.signal;
  }

  begin(): void {
    this.judging.begin();
  }

  async end(): Promise<void> {
    await this.judging.end();
    await this.positions.close();
  }

  private async judge(): Promise<void> {
    if (this.signal.aborted) return;
    const settled = await this.reconcile();
    if (!this.isEnough(settled.reports)) return;
    this.found = settled;
    this.enough.abort();
  }

  /** Returns no reports while MongoDB does not answer: some faults cause exactly this. */
  private async reconcile(): Promise<Settled> {
    try {
      const { mongo } = this.cluster;
      return await reconcileAll(mongo, this.positions, await operationsOf(mongo));
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

/** @returns an empty list if the process ends meanwhile */
async function footprintOf(name: string, pid: number, url: string | undefined): Promise<Footprint[]> {
  try {
    const openFiles = (await readdir(`/proc/${pid}/fd`)).length;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const rssMiB = Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
    return [{ name, openFiles, rssMiB, handles: await handlesOf(url) }];
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return [];
    throw error;
  }
}

const HANDLES = /^nodejs_active_resources_total (\d+)/m;
const TIMEOUT_MS = 3_000;

async function handlesOf(url: string | undefined): Promise<number | null> {
  if (url === undefined) return null;
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const found = HANDLES.exec(await response.text())?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    // Other checks find out whether the app answers.
    return null;
  }
}
