import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { drawsOf } from '#orders/draws.js';
import { operationsCollection } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { ackedOrders, SEGMENT_ORDERS } from '#orders/segments.js';
import { TopicPositions } from '#orders/topic-positions.js';
import { reconcile } from '#reconcile/reconcile.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { Evidence } from './checks/findings.js';
import { footprints, type Footprint } from './checks/footprint.js';
import { InsertWatch } from './checks/insert-watch.js';
import { KeyOrder, type Insert } from './checks/key-order.js';
import { recovery, type Progress } from './checks/recovery.js';
import { RepeatsWatch } from './checks/repeats-watch.js';
import { SavedNumbers } from './checks/saved-numbers.js';
import type { Cluster } from './cluster/cluster.js';
import { FaultRounds } from './fault-rounds.js';
import type { FaultKind } from './faults/fault.js';
import type { History } from './history/history.js';
import { Populates } from './load/populates.js';
import { Reader } from './load/reader.js';
import type { PopulateResponse } from '../support/pipeline.js';

/** What a run does to a cluster. */
export interface LoadAndFaults {
  readonly seed: number;
  readonly minutes: number;
  readonly orders: number;
  readonly kinds: readonly FaultKind[];
  /** Whether some of the records of the small populates are wrong: dead letters come about under faults too. Default: true. */
  readonly wrongRecords?: boolean;
  /** How long a recovery is waited for, in milliseconds. Default: three minutes, far beyond the limit. */
  readonly recoveryPatienceMs?: number;
  /** How long, at the end, what is on its way may take; in milliseconds. Default: five minutes. */
  readonly settledWithinMs?: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A populate that comes to an end before the faults do would have nothing more to lose. */
const SPARE = 1.02;
const SAMPLE_EVERY_MS = 1_000;
const SETTLED_WITHIN_MS = 300_000;
const WATCHED_WITHIN_MS = 30_000;
const READER = 77;

export function isPossible({ needs }: FaultKind, cluster: Cluster): boolean {
  return needs === undefined || cluster.hasSmallDisks;
}

/** A cluster under load and faults, and everybody who looks at it. */
export class LoadedCluster implements Progress {
  saved: SavedNumbers;
  private readonly order = new KeyOrder((insert) => this.segmentOf(insert));
  private readonly watch: InsertWatch;
  private readonly repeats: RepeatsWatch;
  private readonly populates: Populates;
  private readonly over = new AbortController();
  private ackedNow: number | null = null;
  private large: PopulateResponse | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly partitions: number,
    private readonly history: History,
    private readonly options: LoadAndFaults,
  ) {
    this.saved = new SavedNumbers(1, 0, partitions);
    this.watch = new InsertWatch(ordersCollection(cluster.mongo.db), (insert) => {
      this.order.note(insert);
      this.saved.note(insert);
    });
    this.repeats = new RepeatsWatch(cluster.apps, history);
    this.populates = new Populates(cluster.apps, history, `chaos-${randomUUID()}`, options.wrongRecords ?? true);
  }

  acked(): number | null {
    return this.ackedNow;
  }

  isComplete(): boolean {
    return (this.ackedNow ?? 0) >= this.options.orders;
  }

  /** Load, faults, and after them the wait until nothing is on its way any more. */
  async toItsEnd(): Promise<Omit<Evidence, 'history' | 'left'>> {
    const { seed, minutes, orders, print } = this.options;
    await this.watch.start();
    const rate = Math.ceil(orders / (minutes * 60 * SPARE));
    const operation = await this.populates.large(orders, rate, seed);
    this.large = operation;
    this.saved = new SavedNumbers(operation.firstNumber, orders, this.partitions);
    const sampling = this.sample(operation.id);
    await recovery(this.cluster, this);
    const calm = await footprints(this.cluster);
    const reader = new Reader(this.cluster.apps, operation, this.saved, this.history, this.readerDraw());
    reader.begin();
    this.repeats.begin();
    this.populates.begin();
    await this.faults();
    print('all faults are over: waiting until all is saved');
    await this.populates.end();
    const reports = await this.settled();
    await reader.end();
    await this.repeats.end();
    const after = await footprints(this.cluster);
    this.over.abort();
    await sampling;
    const stored = await ordersCollection(this.cluster.mongo.db).countDocuments({});
    await this.watch.untilSeen(stored, WATCHED_WITHIN_MS);
    await this.watch.stop();
    return this.evidence(reports, stored, calm, after);
  }

  private async faults(): Promise<void> {
    const { seed, kinds, minutes, recoveryPatienceMs, print, signal } = this.options;
    const possible = kinds.filter((kind) => isPossible(kind, this.cluster));
    const recovered = async () => recovery(this.cluster, this, recoveryPatienceMs);
    const rounds = new FaultRounds(this.cluster, recovered, this.history, print);
    await rounds.run(seed, possible, this.history.now() + minutes * 60_000, signal);
  }

  private async evidence(
    reports: readonly ReconcileReport[],
    stored: number,
    calm: readonly Footprint[],
    after: readonly Footprint[],
  ) {
    const { order, watch, populates } = this;
    const operations = await operationsCollection(this.cluster.mongo.db)
      .find({}, { projection: { _id: 1 } })
      .toArray();
    return { reports, stored, order, watch, operations, taken: populates.taken, footprints: { calm, after } };
  }

  /** The small ones have one alone. */
  private segmentOf({ operationId, number }: Insert): string {
    const { id, firstNumber } = this.large ?? { id: null, firstNumber: 0 };
    return `${operationId}/${operationId === id ? Math.floor((number - firstNumber) / SEGMENT_ORDERS) : 0}`;
  }

  private readerDraw(): (below: number) => number {
    const draws = drawsOf(this.options.seed);
    let drawn = 0;
    return (below) => draws(READER, drawn++, below);
  }

  /** What is acknowledged and saved, once a second, until the run is over. */
  private async sample(operationId: string): Promise<void> {
    const operations = operationsCollection(this.cluster.mongo.db);
    while (!this.over.signal.aborted) {
      try {
        const operation = await operations.findOne({ _id: operationId }, { projection: { segments: 1 } });
        this.ackedNow = operation === null ? null : ackedOrders(operation.segments);
      } catch {
        // MongoDB has no primary now, which is what a fault is for.
        this.ackedNow = null;
      }
      const consumers = this.cluster.apps.all.filter(({ job }) => job === 'consumer').length;
      this.history.add({ type: 'sample', sample: { acked: this.ackedNow, saved: this.saved.total, consumers } });
      await Promise.allSettled([delay(SAMPLE_EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  /** Reconciles every operation, again and again until none is pending, or patience ends. */
  private async settled(): Promise<ReconcileReport[]> {
    const { mongo, kafka } = this.cluster;
    const positions = new TopicPositions(kafka);
    const deadline = performance.now() + (this.options.settledWithinMs ?? SETTLED_WITHIN_MS);
    for (;;) {
      const operations = await operationsCollection(mongo.db)
        .find({}, { projection: { _id: 1, status: 1 } })
        .toArray();
      if (operations.every(({ status }) => status !== 'running') || performance.now() > deadline) {
        const reports: ReconcileReport[] = [];
        for (const { _id: operationId } of operations)
          reports.push(await reconcile({ client: mongo.client, db: mongo.db, positions, operationId }));
        if (reports.every(({ verdict }) => verdict !== 'pending') || performance.now() > deadline) return reports;
      }
      await delay(SAMPLE_EVERY_MS);
    }
  }
}
