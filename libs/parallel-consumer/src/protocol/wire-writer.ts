const FIRST_BYTES = 512;
const TWO_TO_32 = 0x1_0000_0000;

/** Writes values in Kafka's flexible message format (KIP-482); the counterpart of `WireReader`. */
export class WireWriter {
  private buffer = Buffer.allocUnsafe(FIRST_BYTES);
  private length = 0;

  /** The bytes written so far. */
  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** Writes a signed integer of one byte. */
  int8(value: number): this {
    const at = this.advance(1);
    this.buffer.writeInt8(value, at);
    return this;
  }

  /** Writes a signed integer of two bytes. */
  int16(value: number): this {
    const at = this.advance(2);
    this.buffer.writeInt16BE(value, at);
    return this;
  }

  /** Writes a signed integer of four bytes. */
  int32(value: number): this {
    const at = this.advance(4);
    this.buffer.writeInt32BE(value, at);
    return this;
  }

  /** Accepts any safe integer. */
  int64(value: number): this {
    const at = this.advance(8);
    const high = Math.floor(value / TWO_TO_32);
    this.buffer.writeInt32BE(high, at);
    this.buffer.writeUInt32BE(value - high * TWO_TO_32, at + 4);
    return this;
  }

  /** Writes one byte: 1 or 0. */
  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  /** Writes 16 bytes. @param uuid 32 hexadecimal digits */
  uuid(uuid: string): this {
    const at = this.advance(16);
    this.buffer.write(uuid, at, 16, 'hex');
    return this;
  }

  /** Writes an unsigned integer of one to five bytes. */
  unsignedVarint(value: number): this {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.byte((rest % 0x80) | 0x80);
    return this.byte(rest);
  }

  /** Writes a text in UTF-8. @param value undefined for null */
  compactString(value: string | undefined): this {
    return this.compactBytes(value === undefined ? undefined : Buffer.from(value));
  }

  /** Writes bytes with their length. @param value undefined for null */
  compactBytes(value: Buffer | undefined): this {
    if (value === undefined) return this.unsignedVarint(0);
    this.unsignedVarint(value.length + 1);
    return this.raw(value);
  }

  /** Writes the number of items, and each by `write`. */
  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.unsignedVarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  /** Ends a structure of the flexible format, without tagged fields. */
  noTags(): this {
    return this.unsignedVarint(0);
  }

  /** A string of the older, non-flexible format, which the consumer protocol in JoinGroup and SyncGroup still uses. */
  string(value: string): this {
    const bytes = Buffer.from(value);
    return this.int16(bytes.length).raw(bytes);
  }

  /** Bytes of the older format. */
  bytesWithLength(value: Buffer): this {
    return this.int32(value.length).raw(value);
  }

  /** An array of the older format. */
  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  private byte(value: number): this {
    const at = this.advance(1);
    this.buffer.writeUInt8(value, at);
    return this;
  }

  private raw(bytes: Buffer): this {
    const at = this.advance(bytes.length);
    bytes.copy(this.buffer, at);
    return this;
  }

  /** Reserves space. Call it before accessing `buffer`, because it may replace that. */
  private advance(length: number): number {
    const at = this.length;
    this.length += length;
    if (this.length > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.length, 2 * this.buffer.length));
      this.buffer.copy(larger, 0, 0, at);
      this.buffer = larger;
    }
    return at;
  }
}
