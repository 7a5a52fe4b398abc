import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letters.js';
import { drawsOf } from '#orders/draws.js';
import { operationsCollection } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { SEGMENT_ORDERS } from '#orders/segments.js';
import type { PopulateResponse } from '../support/pipeline.js';
import { AckedWatch } from './checks/acked-watch.js';
import type { Evidence } from './checks/evidence.js';
import { footprints } from './checks/footprint.js';
import { InsertWatch } from './checks/insert-watch.js';
import { KeyOrder, type Insert } from './checks/key-order.js';
import { recovery, type Progress } from './checks/recovery.js';
import { RepeatsWatch } from './checks/repeats-watch.js';
import { SavedNumbers } from './checks/saved-numbers.js';
import { settled } from './checks/settled.js';
import type { Cluster } from './cluster/cluster.js';
import { FaultRounds } from './fault-rounds.js';
import type { FaultKind } from './faults/fault.js';
import type { History } from './history/history.js';
import { Populates } from './load/populates.js';
import { Reader } from './load/reader.js';

/** What a run does to a cluster. */
export interface LoadAndFaults {
  readonly seed: number;
  readonly minutes: number;
  readonly orders: number;
  readonly kinds: readonly FaultKind[];
  /** From one recovery to the next fault. */
  readonly calmSeconds: number;
  /** How much longer than the faults the load lasts: what comes to an end before they do has nothing more to lose. Default: as long as the longest of them may take. */
  readonly spareSeconds?: number;
  /** Whether some of the records of the small populates are wrong: dead letters come about under faults too. Default: true. */
  readonly wrongRecords?: boolean;
  /** How long a recovery is waited for, in milliseconds. Default: three minutes, far beyond the limit. */
  readonly recoveryPatienceMs?: number;
  /** How long, at the end, what is on its way may take; in milliseconds. Default: five minutes. */
  readonly settledWithinMs?: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

const SPARE_SECONDS = 60;
const SETTLED_WITHIN_MS = 300_000;
const WATCHED_WITHIN_MS = 30_000;
const READS_WHEN_HEALED = 60;
const READER = 77;

export function isPossible({ needs }: FaultKind, cluster: Cluster): boolean {
  return needs === undefined || cluster.hasSmallDisks;
}

/** A cluster under load and faults, and everybody who looks at it. */
export class LoadedCluster implements Progress {
  saved: SavedNumbers;
  private readonly order = new KeyOrder((insert) => this.segmentOf(insert));
  private readonly watch: InsertWatch;
  private readonly acked: AckedWatch;
  private readonly repeats: RepeatsWatch;
  private readonly populates: Populates;
  private large: PopulateResponse | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly partitions: number,
    private readonly history: History,
    private readonly options: LoadAndFaults,
  ) {
    const { apps, mongo } = cluster;
    this.saved = new SavedNumbers(1, 0, partitions);
    this.watch = new InsertWatch(ordersCollection(mongo.db), (insert) => {
      this.order.note(insert);
      this.saved.note(insert);
    });
    this.acked = new AckedWatch(mongo, (acked) => {
      const consumers = apps.all.filter(({ job }) => job === 'consumer').length;
      history.add({ type: 'sample', sample: { acked, saved: this.saved.total, consumers } });
    });
    this.repeats = new RepeatsWatch(apps, history);
    this.populates = new Populates(apps, history, `chaos-${randomUUID()}`, options.wrongRecords ?? true);
  }

  get lastAcked(): Progress['lastAcked'] {
    return this.acked.last;
  }

  isComplete(): boolean {
    return (this.lastAcked?.orders ?? 0) >= this.options.orders;
  }

  /** Load, faults, and after them the wait until nothing is on its way any more. */
  async toItsEnd(): Promise<Omit<Evidence, 'history' | 'left'>> {
    const { settledWithinMs = SETTLED_WITHIN_MS, print } = this.options;
    await this.watch.start();
    const operation = await this.beginLoad();
    await recovery(this.cluster, this);
    const calm = await footprints(this.cluster);
    const reader = new Reader(this.cluster.apps, operation, this.saved, this.history, this.readerDraw());
    reader.begin();
    this.repeats.begin();
    this.populates.begin();
    await this.faults();
    const wasUnderLoad = !this.isComplete();
    print('all faults are over: waiting until all is saved');
    await this.populates.end();
    const done = await settled(this.cluster, settledWithinMs);
    await reader.end();
    const healed = await reader.sweep(READS_WHEN_HEALED);
    await this.repeats.end();
    const after = await footprints(this.cluster);
    await this.acked.end();
    const repeatLooks = this.repeats.looks;
    return { ...done, ...(await this.stored()), wasUnderLoad, healed, repeatLooks, footprints: { calm, after } };
  }

  private async beginLoad(): Promise<PopulateResponse> {
    const { seed, minutes, orders, kinds } = this.options;
    const longest = Math.max(SPARE_SECONDS, ...kinds.map(({ takesSeconds = 0 }) => takesSeconds));
    const { spareSeconds = longest } = this.options;
    const rate = Math.ceil(orders / (minutes * 60 + spareSeconds));
    const operation = await this.populates.large(orders, rate, seed);
    this.large = operation;
    this.saved = new SavedNumbers(operation.firstNumber, orders, this.partitions);
    this.acked.begin(operation.id);
    return operation;
  }

  private async faults(): Promise<void> {
    const { seed, kinds, minutes, calmSeconds, recoveryPatienceMs, print, signal } = this.options;
    const possible = kinds.filter((kind) => isPossible(kind, this.cluster));
    const recovered = async () => recovery(this.cluster, this, recoveryPatienceMs);
    const rounds = new FaultRounds(this.cluster, recovered, this.history, print, calmSeconds * 1_000);
    await rounds.run(seed, possible, this.history.now() + minutes * 60_000, signal);
  }

  private async stored() {
    const { order, watch, populates } = this;
    const { db } = this.cluster.mongo;
    const stored = await ordersCollection(db).countDocuments({});
    await watch.untilSeen(stored, WATCHED_WITHIN_MS);
    await watch.stop();
    const operations = await operationsCollection(db).find({}).toArray();
    const letters = await deadRecords(db);
    return { stored, letters, order, watch, operations, taken: populates.taken, refused: populates.refused };
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
}

/** How many records there are letters of. What was emitted twice has two; what nobody made counts each time. */
async function deadRecords(db: Db): Promise<number> {
  const letters = await deadLettersCollection(db).find({}).toArray();
  const ofNobody = letters.filter(({ operationId }) => operationId === null).length;
  const records = letters.flatMap(({ operationId, index, fault }) =>
    operationId === null ? [] : [`${operationId} ${index} ${fault}`],
  );
  return new Set(records).size + ofNobody;
}
