const TWO_TO_32 = 0x1_0000_0000;

/** Reads values in Kafka's flexible message format (KIP-482). Its methods throw a RangeError past the end of the bytes. */
export class WireReader {
  constructor(
    readonly bytes: Buffer,
    private position = 0,
  ) {}

  /** The position of the next byte. */
  get offset(): number {
    return this.position;
  }

  /** Reads a signed integer of one byte. */
  int8(): number {
    return this.bytes.readInt8(this.advance(1));
  }

  /** Reads a signed integer of two bytes. */
  int16(): number {
    return this.bytes.readInt16BE(this.advance(2));
  }

  /** Reads a signed integer of four bytes. */
  int32(): number {
    return this.bytes.readInt32BE(this.advance(4));
  }

  /** Returns a number: offsets, timestamps and producer ids stay below 2^53. */
  int64(): number {
    const at = this.advance(8);
    return this.bytes.readInt32BE(at) * TWO_TO_32 + this.bytes.readUInt32BE(at + 4);
  }

  /** Reads one byte: 0 is false. */
  boolean(): boolean {
    return this.int8() !== 0;
  }

  /** Returns 32 hexadecimal digits. */
  uuid(): string {
    const at = this.advance(16);
    return this.bytes.toString('hex', at, at + 16);
  }

  /** Reads an unsigned integer of one to five bytes. */
  unsignedVarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes.readUInt8(this.advance(1));
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** @returns undefined for null */
  compactString(): string | undefined {
    const bytes = this.compactBytes();
    return bytes?.toString();
  }

  /** Returns a view, not a copy. @returns undefined for null */
  compactBytes(): Buffer | undefined {
    const length = this.unsignedVarint() - 1;
    if (length < 0) return undefined;
    const at = this.advance(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Returns an empty array for null. */
  compactArray<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.unsignedVarint() - 1; left > 0; left -= 1) items.push(read());
    return items;
  }

  /** Calls `read` for each tagged field, with the reader positioned at its value. Skips what `read` does not consume. */
  tags(read?: (tag: number) => void): void {
    for (let left = this.unsignedVarint(); left > 0; left -= 1) {
      const tag = this.unsignedVarint();
      const length = this.unsignedVarint();
      const end = this.position + length;
      read?.(tag);
      this.position = end;
    }
  }

  /** A string of the older, non-flexible format, which the consumer protocol in JoinGroup and SyncGroup still uses. */
  string(): string {
    const length = this.int16();
    const at = this.advance(length);
    return this.bytes.toString('utf8', at, at + length);
  }

  /** Bytes of the older format. @returns undefined for null */
  nullableBytes(): Buffer | undefined {
    const length = this.int32();
    if (length < 0) return undefined;
    const at = this.advance(length);
    return this.bytes.subarray(at, at + length);
  }

  /** An array of the older format. */
  array<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left -= 1) items.push(read());
    return items;
  }

  private advance(length: number): number {
    const at = this.position;
    if (length < 0 || at + length > this.bytes.length)
      throw new RangeError(`a field of ${length} bytes at ${at} exceeds the message of ${this.bytes.length} bytes`);
    this.position = at + length;
    return at;
  }
}
