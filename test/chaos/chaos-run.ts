import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { drawsOf } from '#orders/draws.js';
import { operationsCollection } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { ackedOrders } from '#orders/segments.js';
import { TopicPositions } from '#orders/topic-positions.js';
import { reconcile } from '#reconcile/reconcile.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { findingsOf, type Finding } from './checks/findings.js';
import { footprints, leaks, type Footprint } from './checks/footprint.js';
import { InsertWatch } from './checks/insert-watch.js';
import { KeyOrder } from './checks/key-order.js';
import { recovery, type Progress } from './checks/recovery.js';
import { Repeats } from './checks/repeats.js';
import { SavedNumbers } from './checks/saved-numbers.js';
import { Cluster } from './cluster/cluster.js';
import { FaultRounds } from './fault-rounds.js';
import type { FaultKind } from './faults/fault.js';
import { History } from './history/history.js';
import { Populates } from './load/populates.js';
import { Reader } from './load/reader.js';

export interface ChaosRunOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly orders: number;
  readonly kinds: readonly FaultKind[];
  /** Of its data and logs. */
  readonly directory: string;
  readonly historyFile: string;
  readonly productDirectory: string;
  /** How long, at the end, what is on its way may take; in milliseconds. Default: five minutes. */
  readonly settledWithinMs?: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A run, as it is over. */
export interface ChaosRun {
  readonly history: History;
  readonly findings: readonly Finding[];
  readonly reports: readonly ReconcileReport[];
  /** Kinds of faults that this machine does not allow. */
  readonly leftOut: readonly string[];
}

const PARTITIONS = 12;
const CONSUMERS = 3;
const SETTINGS = { SAVE_DELAY_MS: '0..200', IN_FLIGHT_LIMIT: '1000', RATE_LIMIT_PER_MINUTE: '0' };
/** A populate that comes to an end before the faults do would have nothing more to lose. */
const SPARE = 1.02;
const SAMPLE_EVERY_MS = 1_000;
const SETTLED_WITHIN_MS = 300_000;
const WATCHED_WITHIN_MS = 30_000;
const READER = 77;

/** One run of faults against a whole pipeline, and what it has shown. Leaves nothing running. */
export async function chaosRun(options: ChaosRunOptions): Promise<ChaosRun> {
  const { directory, productDirectory, print, signal } = options;
  const setUp = { directory, productDirectory, print, signal, partitions: PARTITIONS, consumers: CONSUMERS };
  const cluster = await Cluster.start({ ...setUp, settings: SETTINGS });
  const history = new History(options.historyFile);
  let stopping: Promise<string[]> | undefined;
  try {
    const run = new RunningChaos(cluster, history, options);
    const evidence = await run.toItsEnd();
    stopping = cluster.stop();
    const findings = findingsOf({ ...evidence, history, left: await stopping });
    const leftOut = options.kinds.filter((kind) => !isPossible(kind, cluster)).map(({ name }) => name);
    return { history, findings, reports: evidence.reports, leftOut };
  } finally {
    await (stopping ?? cluster.stop());
    await history.close();
  }
}

function isPossible({ needs }: FaultKind, cluster: Cluster): boolean {
  return needs === undefined || cluster.hasSmallDisks;
}

/** The run while its cluster runs. */
class RunningChaos implements Progress {
  saved = new SavedNumbers(1, 0, PARTITIONS);
  private readonly order = new KeyOrder();
  private readonly watch: InsertWatch;
  private readonly repeats: Repeats;
  private readonly populates: Populates;
  private readonly over = new AbortController();
  private ackedNow: number | null = null;

  constructor(
    private readonly cluster: Cluster,
    private readonly history: History,
    private readonly options: ChaosRunOptions,
  ) {
    this.watch = new InsertWatch(ordersCollection(cluster.mongo.db), (insert) => {
      this.order.note(insert);
      this.saved.note(insert);
    });
    this.repeats = new Repeats(cluster.apps);
    this.populates = new Populates(cluster.apps, history, `chaos-${randomUUID()}`);
  }

  acked(): number | null {
    return this.ackedNow;
  }

  isComplete(): boolean {
    return (this.ackedNow ?? 0) >= this.options.orders;
  }

  async toItsEnd() {
    const { seed, kinds, minutes, orders, print, signal } = this.options;
    await this.watch.start();
    const rate = Math.ceil(orders / (minutes * 60 * SPARE));
    const operation = await this.populates.large(orders, rate, seed);
    this.saved = new SavedNumbers(operation.firstNumber, orders, PARTITIONS);
    const sampling = this.sample(operation.id);
    await recovery(this.cluster, this);
    const calm = await footprints(this.cluster.running());
    const reader = new Reader(this.cluster.apps, operation, this.saved, this.history, this.readerDraw());
    reader.begin();
    this.repeats.begin();
    this.populates.begin();
    const possible = kinds.filter((kind) => isPossible(kind, this.cluster));
    const rounds = new FaultRounds(this.cluster, this, this.history, print);
    await rounds.run(seed, possible, this.history.now() + minutes * 60_000, signal);
    print('all faults are over: waiting until all is saved');
    await this.populates.end();
    const reports = await this.settled();
    await reader.end();
    await this.repeats.end();
    const after = await footprints(this.cluster.running());
    this.over.abort();
    await sampling;
    const stored = await ordersCollection(this.cluster.mongo.db).countDocuments({});
    await this.watch.untilSeen(stored, WATCHED_WITHIN_MS);
    await this.watch.stop();
    return this.evidence(reports, stored, calm, after);
  }

  private async evidence(reports: readonly ReconcileReport[], stored: number, calm: Footprint[], after: Footprint[]) {
    const { order, watch, populates } = this;
    const operations = await operationsCollection(this.cluster.mongo.db)
      .find({}, { projection: { _id: 1 } })
      .toArray();
    return {
      reports,
      stored,
      order,
      watch,
      operations,
      repeats: this.repeats.total,
      taken: populates.taken,
      leaks: leaks(calm, after),
    };
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
