/**
 * Reads the zigzag varints of record batches. The position is a field, not part of the result: a record has seven varints, and one
 * result object per varint would cost more than reading it.
 */
export class VarintCursor {
  at = 0;

  /** Reads the next varint. @returns NaN past the end of the bytes */
  next(bytes: Uint8Array): number {
    const first = bytes[this.at] ?? Number.NaN;
    this.at += 1;
    // Fast path: lengths below 64 and most deltas fit into one byte.
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    let scale = 0x80;
    let byte = first;
    while (byte >= 0x80) {
      byte = bytes[this.at] ?? Number.NaN;
      this.at += 1;
      // Multiplies, because shifts are limited to 32 bits and timestamps exceed that.
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    }
    if (Number.isNaN(byte)) return Number.NaN;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
