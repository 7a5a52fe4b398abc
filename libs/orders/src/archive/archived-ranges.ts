import type { Collection, Db } from 'mongodb';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import type { OrdersDocument } from '../operation/operation.js';
import { lowerBound } from '../numbering/number-runs.js';

/** Order numbers that follow each other; both ends are included. */
export interface NumberRun {
  readonly first: number;
  readonly last: number;
}

/**
 * Where the orders of a range are.
 * - `removing`: in a verified file, and some are still in `orders`
 * - `archived`: in a file only
 * - `returning`: in a file, and some are in `orders` again
 */
export type ArchivedState = 'removing' | 'archived' | 'returning';

/**
 * A range of order numbers whose orders are in a file instead of in `orders`. The collection is the only list of removed ranges: the
 * consumer, the query API, redrives, imports and reconcile read it.
 */
export interface ArchivedRange {
  /** The first number. */
  readonly _id: number;
  readonly last: number;
  /** The numbers of the range, in the order of their indexes. Absent: all from the first to the last. The numbers of an intake have gaps. */
  readonly runs?: readonly NumberRun[];
  readonly operationId: string;
  readonly kind: OrdersDocument['kind'];
  /** The lowest index in its operation. */
  readonly from: number;
  /** Orders in the file. `count + discarded + elsewhere` is the number of its order numbers. */
  readonly count: number;
  /** Numbers without an order, because their dead letters were discarded. */
  readonly discarded: number;
  /** Numbers whose order was saved before, under another number. */
  readonly elsewhere: number;
  /** When the orders were saved: the first and the last time. */
  readonly savedAt: { readonly from: Date; readonly to: Date };
  /** The name of the archive: of its file without the ending, and of its manifest. */
  readonly archive: string;
  /** The hash of the orders' BSON in the order of the runs, in hexadecimal. */
  readonly sha256: string;
  readonly state: ArchivedState;
  /**
   * The offsets of `orders-savers` by partition, committed before the range was listed. A record of an archived order below them was
   * processed before: it is a replay. A partition that was added later has none.
   */
  readonly positions: readonly number[];
  /** When the range was listed, by MongoDB's clock. */
  readonly at: Date;
  /** When its state changed last, by MongoDB's clock. */
  readonly changedAt: Date;
}

export function archivedRangesCollection(db: Db): Collection<ArchivedRange> {
  return db.collection<ArchivedRange>('archivedRanges');
}

/** Returns the numbers of a range, in the order of their indexes. */
export function runsOf({
  _id: first,
  last,
  runs,
}: Pick<ArchivedRange, '_id' | 'last'> & { readonly runs?: readonly NumberRun[] | undefined }): readonly NumberRun[] {
  return runs ?? [{ first, last }];
}

/** Returns how many numbers runs have. */
export function numbersIn(runs: readonly NumberRun[]): number {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Whether a record of an archived order was processed before its range was listed. */
export function isReplay({ positions }: Pick<ArchivedRange, 'positions'>, partition: number, offset: number): boolean {
  return offset < (positions[partition] ?? 0);
}

/**
 * How old a list may be when an insert of orders begins, or an order is looked up by it, in ms. An order is removed only when its range
 * has been listed for longer (`REMOVE_AFTER_MS`), so that no process still works with a list without the range.
 */
const LIST_MAX_AGE_MS = 5_000;
/**
 * The longest time from the begin of a bulk insert to its effect, in ms. MongoDB's driver waits up to 15 s for a connection and 10 s for the
 * response, and then does both once more. An insert of a partitioned host may still arrive after that.
 */
const INSERT_WITHIN_MS = 55_000;
/** How long a range is listed before its orders are removed, in ms. */
export const REMOVE_AFTER_MS = LIST_MAX_AGE_MS + INSERT_WITHIN_MS;

const MAJORITY = { readConcern: { level: 'majority' } } as const;

/** Reads the stored ranges. */
interface ArchivedRangesSource {
  /** Returns another text after each change of the ranges. It must be cheap: each process reads it once a second. */
  revision(): Promise<string>;
  ranges(): Promise<readonly ArchivedRange[]>;
}

/** How the numbers of an interval are archived: `all`, `some` of them, or `none`. */
export type ArchivedShare = 'all' | 'some' | 'none';

/**
 * The archived ranges in memory: a few hundred bytes for each. It is empty until the first `refresh`.
 * Not guaranteed: that it has a range that was listed after the last refresh.
 */
export class ArchivedList {
  private known: readonly ArchivedRange[] = [];
  /** All runs by their first numbers, and the first numbers alone, for the search. */
  private runs: readonly { readonly run: NumberRun; readonly range: ArchivedRange }[] = [];
  private firsts = new Float64Array(0);
  private revision: string | undefined;
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;

  constructor(
    private readonly source: ArchivedRangesSource,
    private readonly clock: Clock,
  ) {}

  static of(db: Db): ArchivedList {
    return new ArchivedList(storedRanges(db), systemClock);
  }

  get ranges(): readonly ArchivedRange[] {
    return this.known;
  }

  /** Identifies the ranges and their states; `undefined` while orders are being removed or brought back. */
  get settledVersion(): string | undefined {
    return this.known.some(({ state }) => state !== 'archived') ? undefined : this.revision;
  }

  get isEmpty(): boolean {
    return this.known.length === 0;
  }

  /** Returns the ranges of an operation, in ascending order. */
  rangesOf(operationId: string): readonly ArchivedRange[] {
    return this.known.filter((range) => range.operationId === operationId);
  }

  /** Returns the range with a number, by binary search. */
  find(number: number): ArchivedRange | undefined {
    const at = this.before(number);
    const found = this.runs[at];
    return found !== undefined && number <= found.run.last ? found.range : undefined;
  }

  /** Returns how many of the numbers from `first` to `last` are in ranges whose orders are all removed. */
  shareOf({ first, last }: NumberRun): ArchivedShare {
    let covered = 0;
    let touched = false;
    for (let at = Math.max(0, this.before(first)); at < this.runs.length; at += 1) {
      const { run, range } = this.runs[at] as (typeof this.runs)[number];
      if (run.first > last) break;
      const common = Math.min(last, run.last) - Math.max(first, run.first) + 1;
      if (common <= 0) continue;
      touched = true;
      if (range.state === 'archived') covered += common;
    }
    if (!touched) return 'none';
    return covered === last - first + 1 ? 'all' : 'some';
  }

  /**
   * Returns this list, read again if it is older.
   * @throws the error of MongoDB's driver, if it must be read
   */
  async fresh(maxAgeMs = LIST_MAX_AGE_MS): Promise<this> {
    if (!this.isFresh(maxAgeMs)) await this.refresh();
    return this;
  }

  isFresh(maxAgeMs = LIST_MAX_AGE_MS): boolean {
    return this.clock.now() - this.readAt <= maxAgeMs;
  }

  /** Reads the ranges, if they have changed. @throws the error of MongoDB's driver; the list then keeps its ranges and its age */
  async refresh(): Promise<void> {
    this.reading ??= this.read().finally(() => {
      this.reading = undefined;
    });
    await this.reading;
  }

  private async read(): Promise<void> {
    const readAt = this.clock.now();
    // Read first: a change between the two reads gives another revision the next time.
    const revision = await this.source.revision();
    if (revision !== this.revision) {
      this.keep(await this.source.ranges());
      this.revision = revision;
    }
    this.readAt = readAt;
  }

  private keep(ranges: readonly ArchivedRange[]): void {
    this.known = ranges.toSorted((a, b) => a._id - b._id);
    this.runs = this.known
      .flatMap((range) => runsOf(range).map((run) => ({ run, range })))
      .toSorted((a, b) => a.run.first - b.run.first);
    this.firsts = Float64Array.from(this.runs, ({ run }) => run.first);
  }

  /** @returns the position of the last run that begins at or before a number; -1 if there is none */
  private before(number: number): number {
    return lowerBound(this.firsts, number + 1) - 1;
  }
}

/** Reads the ranges from MongoDB. Every change of a range sets `changedAt` or changes their number. */
function storedRanges(db: Db): ArchivedRangesSource {
  const collection = archivedRangesCollection(db);
  return {
    revision: async () => {
      const [newest] = await collection.find({}, MAJORITY).sort({ changedAt: -1, _id: -1 }).limit(1).toArray();
      // With none, the count kept in the collection's metadata does not matter: it can be wrong after a crash of MongoDB.
      if (newest === undefined) return 'none';
      return `${await collection.estimatedDocumentCount()} ${newest._id} ${newest.changedAt.getTime()}`;
    },
    ranges: async () => collection.find({}, MAJORITY).sort({ _id: 1 }).toArray(),
  };
}
