const CHUNK_NUMBERS = 1_048_576;

/** A set of positive integers, one bit for each: ten million consecutive ones take about a megabyte. */
export class NumberSet {
  private readonly chunks = new Map<number, Uint8Array>();

  /** @returns whether the number is new */
  add(number: number): boolean {
    const { chunk, at, bit } = placeOf(number);
    let bits = this.chunks.get(chunk);
    if (bits === undefined) {
      bits = new Uint8Array(CHUNK_NUMBERS / 8);
      this.chunks.set(chunk, bits);
    }
    const before = bits[at] ?? 0;
    bits[at] = before | bit;
    return (before & bit) === 0;
  }

  has(number: number): boolean {
    const { chunk, at, bit } = placeOf(number);
    return ((this.chunks.get(chunk)?.[at] ?? 0) & bit) !== 0;
  }

  /** Yields the ranges of numbers from `from` to `to`, both included, that are not in the set, in ascending order. */
  *missing(from: number, to: number): Generator<{ readonly from: number; readonly to: number }> {
    let start: number | undefined;
    for (let number = from; number <= to; number += 1) {
      // Millions of numbers may have no chunk at all.
      if (number % CHUNK_NUMBERS === 0 && !this.chunks.has(number / CHUNK_NUMBERS)) {
        start ??= number;
        number = Math.min(to, number + CHUNK_NUMBERS - 1);
        continue;
      }
      if (!this.has(number)) start ??= number;
      else if (start !== undefined) {
        yield { from: start, to: number - 1 };
        start = undefined;
      }
    }
    if (start !== undefined) yield { from: start, to };
  }
}

function placeOf(number: number): { readonly chunk: number; readonly at: number; readonly bit: number } {
  const within = number % CHUNK_NUMBERS;
  return { chunk: Math.floor(number / CHUNK_NUMBERS), at: within >> 3, bit: 1 << (within & 7) };
}
