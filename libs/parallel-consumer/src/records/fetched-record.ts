import type { ConsumedRecord, RecordHeader } from './record.js';
import { VarintCursor } from './varint.js';

const cursor = new VarintCursor();

/**
 * A record stored as positions in the bytes of its batch. Key, value and headers are sliced on access.
 *
 * Thousands of records wait at once, and the garbage collector copies each several times. One object per part took more memory
 * than the record. Until `detach`, the record keeps the bytes of its whole fetch in memory.
 */
export class FetchedRecord implements ConsumedRecord {
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly offset: number,
    readonly timestamp: number,
    private bytes: Buffer,
    private keyAt: number,
    /** -1 for null. */
    private readonly keyLength: number,
    private valueAt: number,
    /** -1 for null. */
    private readonly valueLength: number,
    private end: number,
  ) {}

  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keyLength);
  }

  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueLength);
  }

  get valueText(): string | null {
    return this.valueLength < 0 ? null : this.bytes.toString('utf8', this.valueAt, this.valueAt + this.valueLength);
  }

  get headers(): Readonly<Record<string, Buffer | undefined>> {
    return this.eachHeader<Record<string, Buffer | undefined>>({}, setHeader);
  }

  get headerList(): readonly RecordHeader[] {
    return this.eachHeader<RecordHeader[]>([], pushHeader);
  }

  hasHeader(name: string): boolean {
    const { bytes } = this;
    cursor.at = this.valueAt + Math.max(0, this.valueLength);
    for (let left = cursor.next(bytes); left > 0; left -= 1) {
      const nameLength = cursor.next(bytes);
      const nameAt = cursor.at;
      cursor.at = nameAt + nameLength;
      const length = cursor.next(bytes);
      if (!this.hasRoom(nameLength, length)) return false;
      if (nameLength === name.length && isAt(bytes, nameAt, name)) return true;
      cursor.at += Math.max(0, length);
    }
    return false;
  }

  get byteLength(): number {
    return this.end - this.keyAt;
  }

  detach(): void {
    const from = this.keyAt;
    const own = Buffer.allocUnsafe(this.end - from);
    this.bytes.copy(own, 0, from, this.end);
    this.bytes = own;
    this.keyAt = 0;
    this.valueAt -= from;
    this.end -= from;
  }

  /** Whether a header whose value begins at the cursor ends within the record: brokers validate whole batches only. */
  private hasRoom(nameLength: number, length: number): boolean {
    return nameLength >= 0 && length >= -1 && cursor.at + length <= this.end;
  }

  /** Decodes the headers into a target. The function that adds one is shared, so that a record needs no closure. */
  private eachHeader<T>(target: T, add: (target: T, name: string, value: Buffer | undefined) => void): T {
    const { bytes } = this;
    cursor.at = this.valueAt + Math.max(0, this.valueLength);
    for (let left = cursor.next(bytes); left > 0; left -= 1) {
      const nameLength = cursor.next(bytes);
      const nameAt = cursor.at;
      cursor.at = nameAt + nameLength;
      const length = cursor.next(bytes);
      const at = cursor.at;
      if (!this.hasRoom(nameLength, length)) break;
      cursor.at = at + Math.max(0, length);
      const name = bytes.toString('utf8', nameAt, nameAt + nameLength);
      add(target, name, length < 0 ? undefined : bytes.subarray(at, at + length));
    }
    return target;
  }
}

/** A loop, because calling native code costs more than comparing a few bytes. */
function isAt(bytes: Buffer, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index += 1) if (bytes[at + index] !== name.charCodeAt(index)) return false;
  return true;
}

function pushHeader(headers: RecordHeader[], name: string, value: Buffer | undefined): void {
  headers.push([name, value ?? null]);
}

function setHeader(headers: Record<string, Buffer | undefined>, name: string, value: Buffer | undefined): void {
  // Producers choose header names: assigning `__proto__` would replace the prototype instead of adding a header.
  if (name !== '__proto__') headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
}
