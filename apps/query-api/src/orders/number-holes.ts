import { Injectable } from '@nestjs/common';
import { operationsCollection, type OperationDocument } from '#orders/operation.js';
import { ackedRanges } from '#orders/segments.js';
import { Mongo } from '#service/mongo.js';

/** Order numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

const FRESH_MS = 1_000;

/**
 * The numbers that were given out and never used: what Kafka had not acknowledged of operations when they were cancelled or
 * failed. An order can stand there all the same, sent by a producer that was killed before it was told of the acknowledgement.
 */
@Injectable()
export class NumberHoles {
  private known: { readonly at: number; readonly holes: Promise<readonly NumberRange[]> } | undefined;

  constructor(private readonly mongo: Mongo) {}

  /** In the order of their numbers, none touching another; as they were a second ago at the most. */
  async all(): Promise<readonly NumberRange[]> {
    const now = performance.now();
    if (this.known === undefined || now - this.known.at > FRESH_MS) {
      const known = { at: now, holes: this.read() };
      // Whoever asks next tries again.
      known.holes.catch(() => (this.known = undefined));
      this.known = known;
    }
    return this.known.holes;
  }

  private async read(): Promise<readonly NumberRange[]> {
    const ended = await operationsCollection(this.mongo.db)
      .find({ status: { $in: ['cancelled', 'failed'] } })
      .project<Pick<OperationDocument, 'firstNumber' | 'count' | 'segments'>>({ firstNumber: 1, count: 1, segments: 1 })
      .toArray();
    const now = this.mongo.time.now();
    return merged(ended.filter((operation) => !isStillEmitted(operation, now)).flatMap(holesOf));
  }
}

/** Another producer may still have a chunk in hand of an operation that failed here, and stores what is acknowledged of it. */
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

/** Sorted, and those that touch as one. */
export function merged(ranges: readonly NumberRange[]): NumberRange[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}
