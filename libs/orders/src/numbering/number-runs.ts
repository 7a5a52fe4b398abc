import { Binary } from 'mongodb';

/** Orders whose indexes and numbers follow each other. */
export interface NumberRun {
  /** The index of the first order in its operation. */
  readonly from: number;
  /** The number of the first order. */
  readonly first: number;
  readonly count: number;
}

/**
 * Packs runs into a few bytes each. The block of a populate is one run; that of an intake whose batches alternate with those of another
 * producer has one for each batch.
 * @param runs by ascending index; no two overlap
 */
export function packRuns(runs: readonly NumberRun[]): Binary {
  const writer = new VarintWriter();
  let [index, number] = [0, 0];
  for (const { from, first, count } of runs) {
    writer.add(from - index);
    writer.addSigned(first - number);
    writer.add(count);
    index = from + count;
    number = first + count;
  }
  return new Binary(writer.toBuffer());
}

export function unpackRuns(packed: Binary): NumberRun[] {
  const reader = new VarintReader(bytesOf(packed));
  const runs: NumberRun[] = [];
  let [index, number] = [0, 0];
  while (!reader.isAtEnd) {
    const from = index + reader.next();
    const first = number + reader.nextSigned();
    const count = reader.next();
    runs.push({ from, first, count });
    index = from + count;
    number = first + count;
  }
  return runs;
}

/** Merges runs that follow each other both in indexes and in numbers. @param runs by ascending index */
export function mergedRuns(runs: Iterable<NumberRun>): NumberRun[] {
  const merged: { from: number; first: number; count: number }[] = [];
  for (const { from, first, count } of runs) {
    const last = merged.at(-1);
    if (last !== undefined && from === last.from + last.count && first === last.first + last.count) last.count += count;
    else merged.push({ from, first, count });
  }
  return merged;
}

/** Packs ascending indexes. */
export function packIndexes(indexes: readonly number[]): Binary {
  const writer = new VarintWriter();
  let before = 0;
  for (const index of indexes) {
    writer.add(index - before);
    before = index;
  }
  return new Binary(writer.toBuffer());
}

export function unpackIndexes(packed: Binary): number[] {
  const reader = new VarintReader(bytesOf(packed));
  const indexes: number[] = [];
  for (let index = 0; !reader.isAtEnd;) {
    index += reader.next();
    indexes.push(index);
  }
  return indexes;
}

/** Returns the bytes of a stored value. */
export function bytesOf({ buffer, position }: Binary): Buffer {
  return Buffer.from(buffer.buffer, buffer.byteOffset, position);
}

/** Returns the position of the first value that is not below a limit. */
export function lowerBound(sorted: ArrayLike<number>, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? limit) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

const CONTINUES = 0x80;
const SEVEN_BITS = 0x7f;
const BITS_BASE = 128;

/** Appends whole numbers to a buffer, each in as few bytes as it needs: 7 bits a byte (LEB128). Exact up to 2^53 - 1. */
class VarintWriter {
  private readonly bytes: number[] = [];

  /** @param value 0 or more */
  add(value: number): void {
    let rest = value;
    while (rest > SEVEN_BITS) {
      this.bytes.push((rest % BITS_BASE) | CONTINUES);
      rest = Math.floor(rest / BITS_BASE);
    }
    this.bytes.push(rest);
  }

  /** Appends a value that may be negative; small ones of either sign stay short. */
  addSigned(value: number): void {
    this.add(value < 0 ? -2 * value - 1 : 2 * value);
  }

  toBuffer(): Buffer {
    return Buffer.from(this.bytes);
  }
}

/** Reads what a `VarintWriter` has written, in the same order. */
class VarintReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** @throws RangeError behind the last value */
  next(): number {
    let value = 0;
    let weight = 1;
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new RangeError('packed numbers end in the middle of a value');
      this.at += 1;
      value += (byte & SEVEN_BITS) * weight;
      if (byte < CONTINUES) return value;
      weight *= BITS_BASE;
    }
  }

  nextSigned(): number {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
