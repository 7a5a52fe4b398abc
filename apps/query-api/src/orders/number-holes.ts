import { Injectable } from '@nestjs/common';
import { ArchivedList, runsOf, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import { intakeBatchesCollection, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import { operationsCollection, type OperationDocument, ackedRanges } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { indexInterval } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import { SavedOrders } from './saved-orders.js';

/** Order numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

const MAX_AGE_MS = 1_000;

/**
 * Reads the reserved order numbers that have no order to wait for: those of cancelled or failed operations that Kafka had not
 * acknowledged, abandoned blocks of intakes, and archived ranges. A hole of an operation can still contain an order if the producer was
 * killed after it sent the order and before it received the acknowledgement. An archived range has orders while they are removed or
 * brought back.
 */
@Injectable()
export class NumberHoles {
  private known: { readonly at: number; readonly holes: Promise<readonly NumberRange[]> } | undefined;
  /** The holes of a number of ended operations and abandoned batches that do not change any more. */
  private final: { readonly counts: string; readonly holes: readonly NumberRange[] } | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly archived: ArchivedList,
  ) {}

  /** Returns all holes, at most 1 s old, in ascending order; no two of them touch. */
  async all(): Promise<readonly NumberRange[]> {
    const now = performance.now();
    if (this.known === undefined || now - this.known.at > MAX_AGE_MS) {
      const known = { at: now, holes: this.read() };
      // A failed read is not cached: the next call reads again.
      known.holes.catch(() => (this.known = undefined));
      this.known = known;
    }
    return this.known.holes;
  }

  private async read(): Promise<readonly NumberRange[]> {
    const unused = await this.unused();
    const { ranges } = await this.archived.fresh(MAX_AGE_MS);
    return allHoles({ unused, archived: ranges });
  }

  /** Reads what has no order again only if there is more: the operations and batches that have holes are only added. */
  private async unused(): Promise<readonly NumberRange[]> {
    // Counted first: what is added meanwhile is read again the next time.
    const counts = await this.counts();
    if (this.final?.counts === counts) return this.final.holes;
    const ended = await operationsCollection(this.mongo.db)
      .find({ status: { $in: ['cancelled', 'failed'] } })
      .project<Pick<OperationDocument, 'firstNumber' | 'count' | 'segments'>>({ firstNumber: 1, count: 1, segments: 1 })
      .toArray();
    const now = this.mongo.time.now();
    const unsent = ended.filter((operation) => !isStillEmitted(operation, now)).flatMap(holesOf);
    const holes = [...unsent, ...(await this.abandoned())];
    this.final = ended.every(isReleased) ? { counts, holes } : undefined;
    return holes;
  }

  /** Counts by index keys what has holes. */
  private async counts(): Promise<string> {
    const [ended, abandoned] = await Promise.all([
      operationsCollection(this.mongo.db).countDocuments({ status: { $in: ['cancelled', 'failed'] } }),
      intakeBatchesCollection(this.mongo.db).countDocuments({ state: 'abandoned' }),
    ]);
    return `${ended}/${abandoned}`;
  }

  /** Reads the blocks of intakes that a crash has left without orders. They never get one. */
  private async abandoned(): Promise<NumberRange[]> {
    const batches = await intakeBatchesCollection(this.mongo.db)
      .find({ state: 'abandoned' })
      .project<Pick<IntakeBatch, '_id' | 'count'>>({ count: 1 })
      .toArray();
    return batches.map(({ _id, count }) => ({ from: _id, to: _id + count - 1 }));
  }
}

/** Whether no producer can store any more what Kafka acknowledges of an operation. */
function isReleased({ segments }: Pick<OperationDocument, 'segments'>): boolean {
  return segments.every(({ lease }) => lease === null);
}

/** What holes follow from. */
interface HoleSources {
  /** Numbers that never got an order. */
  readonly unused: readonly NumberRange[];
  readonly archived: readonly Pick<ArchivedRange, '_id' | 'last' | 'runs'>[];
}

/** Returns all holes in ascending order; no two of them touch. */
export function allHoles({ unused, archived }: HoleSources): NumberRange[] {
  const removed = archived.flatMap((range) => runsOf(range).map(({ first, last }) => ({ from: first, to: last })));
  return merged([...unused, ...removed]);
}

/** Whether a producer may still be sending a chunk of an operation that failed elsewhere; it stores what Kafka acknowledges of it. */
function isStillEmitted({ segments }: Pick<OperationDocument, 'segments'>, now: Date): boolean {
  return segments.some(({ lease }) => lease !== null && lease.expiresAt > now);
}

export function holesOf({
  firstNumber,
  count,
  segments,
}: Pick<OperationDocument, 'firstNumber' | 'count' | 'segments'>): NumberRange[] {
  const holes: NumberRange[] = [];
  let index = 0;
  for (const { from, to } of [...ackedRanges(segments), { from: count, to: count }]) {
    if (from > index) holes.push({ from: firstNumber + index, to: firstNumber + from - 1 });
    index = to;
  }
  return holes;
}

/** Sorts ranges and merges those that overlap or touch. */
export function merged(ranges: readonly NumberRange[]): NumberRange[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}

/** Finds the numbers that have an order or may still get one. Pages skip all other numbers, which are known to stay empty. */
@Injectable()
export class PossibleNumbers {
  constructor(
    private readonly holes: NumberHoles,
    private readonly orders: SavedOrders,
  ) {}

  /**
   * Returns the first such number from a start number on, which is included, upwards or downwards.
   * @param within the range that the result must lie in
   */
  async first(from: number, direction: 1 | -1, within: NumberRange): Promise<number | undefined> {
    const holes = await this.holes.all();
    let number = from;
    while (number >= within.from && number <= within.to) {
      const hole = holeAt(holes, number);
      if (hole === undefined) return number;
      const rest = direction === 1 ? { from: number, to: hole.to } : { from: hole.from, to: number };
      const saved = await this.firstSaved(rest, direction);
      if (saved !== undefined) return saved >= within.from && saved <= within.to ? saved : undefined;
      number = direction === 1 ? hole.to + 1 : hole.from - 1;
    }
    return undefined;
  }

  private async firstSaved({ from, to }: NumberRange, direction: 1 | -1): Promise<number | undefined> {
    const [order] = await this.orders.scan({ interval: indexInterval(byNumber({ from, to })), direction, limit: 1 });
    return order?.number;
  }
}

/** Returns the order query for all orders of a number range, sorted by number. */
export function byNumber({ from, to }: NumberRange): OrderQuery {
  return {
    equality: undefined,
    range: { from: { value: from, inclusive: true }, to: { value: to, inclusive: true } },
    sort: { field: 'number', descending: false },
  };
}

/** Finds the hole that contains a number, by binary search. Holes never touch, so each is followed by a number outside of all holes. */
function holeAt(holes: readonly NumberRange[], number: number): NumberRange | undefined {
  let low = 0;
  let high = holes.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const hole = holes[middle];
    if (hole === undefined || number < hole.from) high = middle - 1;
    else if (number > hole.to) low = middle + 1;
    else return hole;
  }
  return undefined;
}
