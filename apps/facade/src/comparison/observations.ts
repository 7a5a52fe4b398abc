import type { Collection, Db } from 'mongodb';
import type { Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import type { SideName } from '../sides/side.js';
import { byCapability, type ByCapability, type Capability } from '../stages/stages.js';
import type { Figures } from '../stages/gate.js';

/** The upper ends of the buckets grow by 9 %, so that a percentile is at most 9 % too high. */
const GROWTH = 2 ** (1 / 8);
const SMALLEST_MS = 0.1;
/** The last bucket ends at 26 s; it also has all longer times. */
const LAST = 144;

/** Counts of durations by bucket. Counts of several processes can be added. */
type BucketCounts = Readonly<Record<number, number>>;

/** Returns the index of the bucket of a duration. */
export function bucketOf(ms: number): number {
  if (!(ms > SMALLEST_MS)) return 0;
  return Math.min(LAST, Math.ceil(Math.log(ms / SMALLEST_MS) / Math.log(GROWTH)));
}

/** Returns a percentile in milliseconds: the upper end of its bucket. `null` without any duration. @param part such as 0.99 */
export function percentileMs(counts: BucketCounts, part: number): number | null {
  const buckets = Object.entries(counts)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .toSorted(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let left = Math.max(1, Math.ceil(part * total));
  for (const [bucket, count] of buckets) {
    left -= count;
    if (left <= 0) return Number((SMALLEST_MS * GROWTH ** bucket).toPrecision(3));
  }
  return null;
}

/** A request that a side must answer. */
export interface ObservedRequest {
  readonly capability: Capability;
  /** The version of the capability's state. */
  readonly version: number;
  readonly side: SideName;
}

/** One answer of a side, or its failure to answer. */
export interface Observation extends ObservedRequest {
  readonly ms: number;
  readonly failed: boolean;
}

/** Counters by name: `samples`, `mismatches`, `legacy.requests`, `legacy.failures`, `legacy.ms.17` and so on. */
type Counters = Map<string, number>;

interface ObservationDocument {
  readonly _id: string;
  readonly samples?: number;
  readonly mismatches?: number;
  readonly legacy?: SideCounts;
  readonly new?: SideCounts;
}

interface SideCounts {
  readonly requests?: number;
  readonly failures?: number;
  /** Answers by bucket of their duration. */
  readonly ms?: Readonly<Record<string, number>>;
}

const FLUSH_MS = 1_000;
/** Without an answer for so long, a request counts as failed. */
const OVERDUE_MS = timeLimit(2_000);

/**
 * The figures behind the gates: errors and latency of both sides, samples and mismatches, of all instances together. They are counted in
 * memory and added to MongoDB each second. A crash loses its last second of figures, never a mismatch, which is stored by itself.
 *
 * Memory is bounded: a capability has some hundred counters, and while MongoDB is unavailable, its state has no new versions. Running requests are
 * bounded by the connections to the sides.
 */
export class Observations {
  private pending = new Map<string, Counters>();
  /** Oldest first. */
  private readonly running = new Set<{ readonly request: ObservedRequest; readonly since: number }>();
  private cancel: (() => void) | undefined;
  private flushing: Promise<void> = Promise.resolve();

  /** @param onFailure called when MongoDB did not take the figures; they are kept and sent later */
  constructor(
    private readonly db: Db,
    private readonly clock: Clock,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Begins to add the figures to MongoDB each second. */
  start(): void {
    this.cancel = this.clock.after(FLUSH_MS, () => {
      this.flushing = this.flush().catch((error: unknown) => this.onFailure(error));
      void this.flushing.then(() => this.cancel && this.start());
    });
  }

  /** Adds the last figures. */
  async stop(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
    await this.flushing;
    await this.flush().catch((error: unknown) => this.onFailure(error));
  }

  /**
   * Watches a request. Without an answer for two seconds it counts as failed, not only at its time-out: a side that hangs must be noticed as
   * soon as one that fails.
   * @returns a function to call at the end; without an outcome the request is not counted, such as when the client has disconnected
   */
  begin(request: ObservedRequest): (outcome?: { readonly ms: number; readonly failed: boolean }) => void {
    const running = { request, since: this.clock.now() };
    this.running.add(running);
    return (outcome) => {
      const wasOverdue = !this.running.delete(running);
      if (outcome !== undefined && !wasOverdue) this.record({ ...request, ...outcome });
    };
  }

  record({ capability, version, side, ms, failed }: Observation): void {
    const counters = this.countersOf(capability, version);
    add(counters, `${side}.requests`, 1);
    if (failed) add(counters, `${side}.failures`, 1);
    else add(counters, `${side}.ms.${bucketOf(ms)}`, 1);
  }

  /** Counts a comparison. @param matched whether the answers were equal, at the latest after the re-check */
  sample(capability: Capability, version: number, matched: boolean): void {
    const counters = this.countersOf(capability, version);
    add(counters, 'samples', 1);
    if (!matched) add(counters, 'mismatches', 1);
  }

  /**
   * Returns the figures of all instances since these versions; those of the others may be a second old, and percentiles are at most 9 %
   * too high.
   */
  async read(versions: ByCapability<number>): Promise<ByCapability<Figures>> {
    await this.flush();
    const ids = byCapability((capability) => idOf(capability, versions[capability]));
    const found = await this.collection.find({ _id: { $in: Object.values(ids) } }).toArray();
    const byId = new Map(found.map((document) => [document._id, document]));
    return byCapability((capability) => figuresIn(byId.get(ids[capability])));
  }

  /** Adds the counted figures to MongoDB. @throws if MongoDB does not take them; they are counted on */
  async flush(): Promise<void> {
    this.countOverdue();
    const taken = this.pending;
    if (taken.size === 0) return;
    this.pending = new Map();
    try {
      await this.collection.bulkWrite(
        [...taken].map(([_id, counters]) => ({
          updateOne: { filter: { _id }, update: { $inc: Object.fromEntries(counters) }, upsert: true },
        })),
        { ordered: false },
      );
    } catch (error) {
      for (const [id, counters] of taken) for (const [name, count] of counters) add(this.countersAt(id), name, count);
      throw error;
    }
  }

  private countOverdue(): void {
    const now = this.clock.now();
    for (const running of this.running) {
      if (now - running.since < OVERDUE_MS) return;
      this.running.delete(running);
      this.record({ ...running.request, ms: now - running.since, failed: true });
    }
  }

  private countersOf(capability: Capability, version: number): Counters {
    return this.countersAt(idOf(capability, version));
  }

  private countersAt(id: string): Counters {
    let counters = this.pending.get(id);
    if (counters === undefined) this.pending.set(id, (counters = new Map()));
    return counters;
  }

  private get collection(): Collection<ObservationDocument> {
    return this.db.collection<ObservationDocument>('migrationObservations');
  }
}

function figuresIn(found: ObservationDocument | undefined): Figures {
  const bySide = <T>(value: (counts: SideCounts) => T): Readonly<Record<SideName, T>> => ({
    legacy: value(found?.legacy ?? {}),
    new: value(found?.new ?? {}),
  });
  return {
    samples: found?.samples ?? 0,
    mismatches: found?.mismatches ?? 0,
    requests: bySide(({ requests = 0 }) => requests),
    failures: bySide(({ failures = 0 }) => failures),
    p50Ms: bySide(({ ms = {} }) => percentileMs(ms, 0.5)),
    p99Ms: bySide(({ ms = {} }) => percentileMs(ms, 0.99)),
  };
}

function idOf(capability: Capability, version: number): string {
  return `${capability} ${version}`;
}

function add(counters: Counters, name: string, count: number): void {
  counters.set(name, (counters.get(name) ?? 0) + count);
}
