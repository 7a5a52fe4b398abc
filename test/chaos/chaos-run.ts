import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { reserveNumbers } from '#orders/numbering/number-blocks.js';
import { operationsCollection, SEGMENT_ORDERS } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import { forEachRecord } from '../support/topic-writer.js';
import { judgeAttempts, monotonicMs, readTrace } from './attempts.js';
import { findingsOf, type Evidence, type Finding } from './findings.js';
import { InsertWatch, KeyOrder, type Insert } from './inserts.js';
import { SavedNumbers, Populates, Reader } from './load.js';
import {
  AckedWatch,
  EvidenceWatch,
  footprints,
  RepeatsWatch,
  waitForRecovery,
  waitUntilReconciled,
  type Progress,
  type Recovery,
} from './watches.js';
import { Cluster, PARTITIONS, type Product } from './cluster/cluster.js';
import { drawsAt, History, shuffled } from './history.js';
import type { FaultKind, Fault } from './fault-kinds.js';
import { createDraws } from '#orders/generator/seeded-random.js';
import type { Draw } from '../../dev/migration-journey/stored-orders.js';
import { reasonOf } from '../../dev/migration-journey/clients.js';

/** The load and the faults of a run. */
interface LoadAndFaults {
  readonly seed: number;
  readonly minutes: number;
  readonly orders: number;
  readonly kinds: readonly FaultKind[];
  /** Pause between a recovery and the next fault, in seconds. */
  readonly calmSeconds: number;
  /**
   * How much longer than the faults the load lasts: a load that ends earlier has nothing more to lose. Default: the time that the longest
   * fault may take.
   */
  readonly spareSeconds?: number;
  /** Whether the small populates contain some invalid records, so that dead letters are written under faults too. Default: true. */
  readonly wrongRecords?: boolean;
  /** How long to wait for a recovery, in milliseconds. Default: three minutes, far beyond the limit. */
  readonly recoveryTimeoutMs?: number;
  /** How long to wait at the end until all orders are saved or dead-lettered, in milliseconds. Default: five minutes. */
  readonly reconciledWithinMs?: number;
  /**
   * Ends the run as soon as the evidence so far is enough, judged about once a second. Such a run is judged by this evidence alone: it
   * does not wait for the change stream at its end, and sends no reads after the last recovery. Default: the run goes on to its end.
   */
  readonly isEnough?: (found: EarlyEvidence) => boolean;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The evidence that is known while a run goes on. */
export type EarlyEvidence = Pick<Evidence, 'reports' | 'order' | 'history'>;

const SPARE_SECONDS = 60;
/** Lost orders count only after the consumers have passed them, for which a slow machine needs its time after a fault. */
const RECONCILED_WITHIN_MS = 300_000;
const WATCHED_WITHIN_MS = 30_000;
const READS_AFTER_RECOVERY = 60;
/** Until then a consumer has written its events, unless it hangs. */
const WRITTEN_WITHIN_MS = 1_000;
/** No place of a fault. */
const READER = -1;

function isPossible({ needsSmallDisks }: FaultKind, cluster: Cluster): boolean {
  return needsSmallDisks !== true || cluster.hasSmallDisks;
}

/** A cluster under load and faults, with all its observers. */
class LoadedCluster implements Progress {
  saved: SavedNumbers;
  private readonly order = new KeyOrder((insert) => this.segmentOf(insert));
  private readonly watch: InsertWatch;
  private acked: AckedWatch | undefined;
  private readonly repeats: RepeatsWatch;
  private readonly populates: Populates;
  private readonly evidence: EvidenceWatch;
  private large: PopulateResponse | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly history: History,
    private readonly options: LoadAndFaults,
  ) {
    const { mongo } = cluster;
    this.saved = new SavedNumbers(1, 0, PARTITIONS);
    this.watch = new InsertWatch(ordersCollection(mongo.db), (insert) => {
      this.order.note(insert);
      this.saved.note(insert);
    });
    this.repeats = new RepeatsWatch(cluster, history);
    this.evidence = new EvidenceWatch(cluster, (reports) => {
      return options.isEnough?.({ reports, order: this.order, history }) === true;
    });
    this.populates = new Populates(cluster, history, options.wrongRecords ?? true);
  }

  get lastAcked(): Progress['lastAcked'] {
    return this.acked?.last;
  }

  isComplete(): boolean {
    return (this.lastAcked?.orders ?? 0) >= this.options.orders;
  }

  /** Runs load and faults, waits until the pipeline has drained, and collects the evidence. */
  async toItsEnd(): Promise<Omit<Evidence, 'history' | 'left'>> {
    const { reconciledWithinMs = RECONCILED_WITHIN_MS, isEnough, print } = this.options;
    await this.watch.start();
    const operation = await this.beginLoad();
    if (isEnough !== undefined) this.evidence.begin();
    await waitForRecovery(this.cluster, this, this.evidence.signal);
    const calm = await footprints(this.cluster);
    const reader = new Reader(this.cluster, operation, this.saved, this.history, drawsAt(this.options.seed, READER));
    reader.begin();
    this.repeats.begin();
    this.populates.begin();
    await this.faults();
    const wasUnderLoad = !this.isComplete();
    print('all faults are over: waiting until all orders are saved');
    await this.populates.end();
    const reconciled = await waitUntilReconciled(this.cluster, reconciledWithinMs, this.evidence.signal);
    await this.evidence.end();
    await reader.end();
    const finalReads = await reader.sweep(isEnough === undefined ? READS_AFTER_RECOVERY : 0);
    await this.repeats.end();
    const after = await footprints(this.cluster);
    await this.acked?.end();
    const repeatReadings = this.repeats.readings;
    return {
      ...(this.evidence.found ?? reconciled),
      ...(await this.stored()),
      wasUnderLoad,
      finalReads,
      repeatReadings,
      footprints: { calm, after },
    };
  }

  private async beginLoad(): Promise<PopulateResponse> {
    const { seed, minutes, orders, kinds } = this.options;
    const longest = Math.max(SPARE_SECONDS, ...kinds.map(({ takesSeconds = 0 }) => takesSeconds));
    const { spareSeconds = longest } = this.options;
    const rate = Math.ceil(orders / (minutes * 60 + spareSeconds));
    const operation = await this.populates.large(orders, rate, seed);
    this.large = operation;
    this.saved = new SavedNumbers(operation.firstNumber, orders, PARTITIONS);
    this.acked = new AckedWatch(this.cluster.mongo, operation.id, (acked) => {
      this.history.add({ type: 'sample', acked, saved: this.saved.total });
    });
    this.acked.begin();
    return operation;
  }

  private async faults(): Promise<void> {
    const { seed, kinds, minutes, calmSeconds, recoveryTimeoutMs, print, signal } = this.options;
    const possible = kinds.filter((kind) => isPossible(kind, this.cluster));
    const enough = this.evidence.signal;
    const recovered = async () => waitForRecovery(this.cluster, this, enough, recoveryTimeoutMs);
    const rounds = new FaultRounds(this.cluster, recovered, this.history, print, calmSeconds * 1_000, enough);
    await rounds.run(seed, possible, this.history.now() + minutes * 60_000, signal);
  }

  private async stored() {
    const { order, watch, populates } = this;
    const { db } = this.cluster.mongo;
    const stored = await ordersCollection(db).countDocuments({});
    if (this.options.isEnough === undefined) await watch.untilSeen(stored, WATCHED_WITHIN_MS);
    await watch.stop();
    const operations = await operationsCollection(db).find({}).toArray();
    const { accepted, rejected } = populates;
    const deadRecords = await countDeadRecords(db);
    // Last: it keeps this process busy for seconds, in which the driver would take MongoDB for unavailable.
    const attempts = await attemptsOf(this.cluster, this.history);
    return { stored, deadRecords, attempts, order, watch, operations, accepted, rejected };
  }

  /** A small populate has a single segment. */
  private segmentOf({ operationId, number }: Insert): string {
    const { id, firstNumber } = this.large ?? { id: null, firstNumber: 0 };
    return `${operationId}/${operationId === id ? Math.floor((number - firstNumber) / SEGMENT_ORDERS) : 0}`;
  }
}

/** Judges what all consumers of the running product have attempted until now. The history gets the first anomalies with their events. */
async function attemptsOf({ product, kafka, positions }: Cluster, history: History) {
  const until = monotonicMs();
  await delay(WRITTEN_WITHIN_MS);
  const dead = new Set(await deadLettersCollection(product.mongo.db).distinct('_id'));
  const keys = new Map<number, Map<number, string | null>>();
  await forEachRecord(kafka, ORDERS_TOPIC, await positions.ends(ORDERS_TOPIC), ({ partition, offset, key }) => {
    const known = keys.get(partition) ?? new Map<number, string | null>();
    keys.set(partition, known.set(offset, key?.toString() ?? null));
  });
  const judged = judgeAttempts(await readTrace(product.attemptsDirectory, until), {
    topic: ORDERS_TOPIC,
    keys,
    isDeadLetter: (partition, offset) => dead.has(`${ORDERS_TOPIC}/${partition}/${offset}`),
  });
  for (const { text, events } of judged.first) history.add({ type: 'anomaly', text, events });
  return judged;
}

/**
 * Counts the records that have dead letters. A record that was published twice has two dead letters and counts once; a dead letter without an
 * operation counts each time.
 */
async function countDeadRecords(db: Db): Promise<number> {
  const letters = await deadLettersCollection(db).find({}).toArray();
  const withoutOperation = letters.filter(({ operationId }) => operationId === null).length;
  const records = letters.flatMap(({ operationId, index, fault }) =>
    operationId === null ? [] : [`${operationId} ${index} ${fault}`],
  );
  return new Set(records).size + withoutOperation;
}

interface ChaosRunOptions extends LoadAndFaults {
  /** Folder for data and logs. */
  readonly directory: string;
  readonly historyFile: string;
}

/** The result of a run. */
export interface ChaosRun {
  readonly history: History;
  readonly findings: readonly Finding[];
  /** Fault kinds that this machine does not support. */
  readonly leftOut: readonly string[];
  /** MongoDB server version. */
  readonly mongodb: string;
}

/** Runs faults against a whole pipeline and judges the result. Leaves nothing running. */
export async function chaosRun(options: ChaosRunOptions): Promise<ChaosRun> {
  const cluster = await Cluster.start(options);
  const history = new History(options.historyFile);
  let stopping: Promise<string[]> | undefined;
  try {
    const evidence = await runOn(cluster, history, options);
    const { version: mongodb } = await cluster.mongo.db.admin().buildInfo();
    stopping = cluster.stop();
    // Only now is it known which processes did not stop.
    const whole = { ...evidence, left: await stopping };
    const leftOut = options.kinds.filter((kind) => !isPossible(kind, cluster)).map(({ name }) => name);
    return { history, findings: findingsOf(whole), leftOut, mongodb: String(mongodb) };
  } finally {
    await (stopping ?? cluster.stop());
    await history.close();
  }
}

interface RunOnOptions extends LoadAndFaults {
  readonly product?: Product;
  /** Order numbers to skip: records that an earlier product left on the topic use them. */
  readonly numbersTaken?: number;
}

/** Runs faults on servers that already run: starts the product and leaves it running. */
export async function runOn(
  cluster: Cluster,
  history: History,
  { product = {}, numbersTaken = 0, ...options }: RunOnOptions,
): Promise<Omit<Evidence, 'left'>> {
  await cluster.run(product, history);
  const { client, db } = cluster.mongo;
  await client.withSession(async (session) => reserveNumbers(db, numbersTaken, session));
  return { history, ...(await new LoadedCluster(cluster, history, options).toItsEnd()) };
}

/** A planned fault. The plan depends only on the seed and the kinds, not on the course of the run. */
interface PlannedFault {
  /** Its place in the schedule, from 0. */
  readonly place: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  /** Draws for the fault itself. */
  readonly draw: Draw;
  /** Whether it begins while the previous fault lasts. */
  readonly isTogether: boolean;
}

// Each of these numbers selects an independent sequence of draws.
const ORDER = 1;
const LASTS = 2;
const TOGETHER = 3;

/** On average, one fault of this many is simultaneous with the previous one. */
const TOGETHER_ONE_OF = 4;

/** Generates an endless schedule: every kind once per round, in a new order each round. */
function* schedule(seed: number, kinds: readonly FaultKind[]): Generator<PlannedFault> {
  if (kinds.length === 0) throw new RangeError('there is no kind of fault to choose from');
  const draws = createDraws(seed);
  for (let place = 0; ;)
    for (const kind of shuffled(kinds, seed, ORDER, place)) {
      const [least, most] = kind.lastsMs;
      yield {
        place,
        kind,
        lastsMs: least + draws(LASTS, place, most - least + 1),
        isTogether: place > 0 && draws(TOGETHER, place, TOGETHER_ONE_OF) === 0,
        draw: drawsAt(seed, place),
      };
      place += 1;
    }
}

interface Begun extends Fault {
  readonly planned: PlannedFault;
}

/** Injects faults by their schedule, mostly one at a time, sometimes several at once. After each round the cluster must recover. */
class FaultRounds {
  constructor(
    private readonly cluster: Cluster,
    /** Waits until the cluster has recovered. */
    private readonly recovery: () => Promise<Recovery>,
    private readonly history: History,
    private readonly print: (line: string) => void,
    /** Pause between a recovery and the next fault. */
    private readonly calmMs: number,
    /** Ends each fault at once, and begins no further one. */
    private readonly enough: AbortSignal,
  ) {}

  /** Begins rounds until `untilMs` or until the signal aborts. A round that has begun still ends and recovers. */
  async run(seed: number, kinds: readonly FaultKind[], untilMs: number, signal: AbortSignal): Promise<void> {
    let plans: PlannedFault[] = [];
    for (const planned of schedule(seed, kinds)) {
      if (plans.length > 0 && !planned.isTogether) {
        await Promise.allSettled([delay(this.calmMs, undefined, { signal: AbortSignal.any([signal, this.enough]) })]);
        if (this.history.now() >= untilMs || signal.aborted || this.enough.aborted) return;
        await this.round(plans);
        plans = [];
      }
      plans.push(planned);
    }
  }

  /** Simultaneous faults begin one after another, and end in the order in which they began. */
  private async round(plans: readonly PlannedFault[]): Promise<void> {
    const begun: Begun[] = [];
    for (const planned of plans) {
      const fault = await this.begin(planned, begun);
      if (fault !== undefined) begun.push(fault);
    }
    const last = begun.at(-1);
    if (last === undefined) return;
    const tolerated = begun.length === 1 && last.planned.kind.isTolerated === true ? await this.recovery() : undefined;
    let untilMs = 0;
    const ends = begun.map((fault) => ({ fault, afterMs: (untilMs += fault.planned.lastsMs) }));
    // No fault waits for the end of another: a server started alone, one of three, serves only once a second one runs.
    const ending = ends.map(async ({ fault, afterMs }) => {
      await this.lasts(afterMs);
      await this.end(fault);
    });
    await this.lasts(untilMs);
    const recovering = this.recovery();
    await Promise.all(ending);
    this.recovered(last.planned.place, slower(tolerated, await recovering));
  }

  private async lasts(ms: number): Promise<void> {
    await Promise.allSettled([delay(ms, undefined, { signal: this.enough })]);
  }

  private async begin(planned: PlannedFault, others: readonly Begun[]): Promise<Begun | undefined> {
    const { place, kind } = planned;
    try {
      const fault = await kind.make(this.cluster, planned.draw);
      const mark = { place, kind: kind.name, subject: fault.subject };
      // A process that is killed can't be paused as well.
      if (others.some(({ subject }) => subject === fault.subject)) {
        this.history.add({ type: 'fault-skipped', ...mark });
        return undefined;
      }
      this.print(`fault ${place + 1}: ${kind.name}, ${fault.subject}`);
      this.history.add({ type: 'fault-begins', ...mark });
      await this.beginOrUndo(fault);
      return { ...fault, planned };
    } catch (error) {
      this.failed(planned, error);
      return undefined;
    }
  }

  /** Undoes a fault that began only in part. */
  private async beginOrUndo(fault: Fault): Promise<void> {
    try {
      await fault.begin();
    } catch (error) {
      await Promise.allSettled([fault.end()]);
      throw error;
    }
  }

  private async end(fault: Begun): Promise<void> {
    const { planned, subject } = fault;
    // The time that the process needs to start again counts as recovery.
    this.history.add({ type: 'fault-ends', place: planned.place, kind: planned.kind.name, subject });
    try {
      await fault.end();
      if (fault.hadEffect?.() === false) this.history.add({ type: 'fault-without-effect', place: planned.place });
    } catch (error) {
      this.failed(planned, error);
    }
  }

  private recovered(place: number, found: Recovery): void {
    if ('afterMs' in found) this.history.add({ type: 'recovered', place, afterMs: found.afterMs });
    else {
      this.print(`not recovered within ${found.withinMs} ms: ${found.missing.join(', ')}`);
      this.history.add({ type: 'not-recovered', place, ...found });
    }
  }

  /** Records a failure of the test itself, such as a server that does not start: fewer faults were injected than planned. */
  private failed({ place, kind }: PlannedFault, error: unknown): void {
    this.print(`fault ${place + 1} failed: ${reasonOf(error)}`);
    this.history.add({ type: 'fault-failed', place, kind: kind.name, reason: reasonOf(error) });
  }
}

/** The slower of the two recoveries of a tolerated fault: one during the fault, one after it. */
function slower(one: Recovery | undefined, other: Recovery): Recovery {
  if (one === undefined || 'missing' in other) return other;
  return 'missing' in one || one.afterMs > other.afterMs ? one : other;
}
