/**
 * Reads the zigzag varints of record batches. The position is a field instead of part of the result, since a record has
 * seven of them and an object for each would cost more than reading it.
 */
export class VarintCursor {
  at = 0;

  /** @returns NaN past the end of the bytes */
  next(bytes: Uint8Array): number {
    const first = bytes[this.at] ?? Number.NaN;
    this.at += 1;
    // One byte for nearly all: lengths below 64, and deltas of records of one batch.
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    let scale = 0x80;
    let byte = first;
    while (byte >= 0x80) {
      byte = bytes[this.at] ?? Number.NaN;
      this.at += 1;
      // By multiplication, since shifts end at 32 bits and timestamps don't.
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    }
    if (Number.isNaN(byte)) return Number.NaN;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
