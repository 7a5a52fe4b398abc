const CONTINUES = 0x80;
const SEVEN_BITS = 0x7f;
const BITS_BASE = 128;

/** Appends whole numbers to a buffer, each in as few bytes as it needs: 7 bits a byte (LEB128). Exact up to 2^53 - 1. */
export class VarintWriter {
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
export class VarintReader {
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
