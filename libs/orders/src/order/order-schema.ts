import avro from 'avsc';

/**
 * The Avro schema of the record values on `orders.v1`. Its compatibility is BACKWARD: new fields have defaults and no field
 * changes its type, so that a current consumer can read every record on the topic.
 */
export const ORDER_SCHEMA = {
  type: 'record',
  name: 'Order',
  namespace: 'orders.v1',
  doc: 'One financial order. Append-only.',
  fields: [
    { name: 'id', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'number', type: 'long', doc: 'Dense, unique, 1 to 2^53 - 1.' },
    { name: 'accountId', type: 'string' },
    { name: 'side', type: { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] } },
    { name: 'symbol', type: 'string' },
    { name: 'quantity', type: 'int' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 4 } },
    {
      name: 'amount',
      type: { type: 'bytes', logicalType: 'decimal', precision: 22, scale: 4 },
      doc: 'Exactly quantity x price.',
    },
    { name: 'currency', type: 'string', doc: 'ISO 4217.' },
    { name: 'createdAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    {
      name: 'legacy',
      type: [
        'null',
        {
          type: 'record',
          name: 'Legacy',
          fields: [
            { name: 'number', type: 'long' },
            { name: 'filled', type: { type: 'array', items: 'string' }, doc: 'The fields that the import made up.' },
          ],
        },
      ],
      default: null,
    },
  ],
} as const;

/** Signed integers of this many bits are exact in a double. */
const SAFE_BITS = 53;
/** `Buffer.readIntBE` supports integers of up to this many bytes. */
const READ_AS_NUMBER_BYTES = 6;

/** Converts Avro `decimal` bytes (two's complement, big-endian) to and from a bigint of the schema's scale. */
class DecimalType extends avro.types.LogicalType {
  readonly scale: number;

  constructor(schema: avro.Schema, options?: object) {
    super(schema, options);
    this.scale = (schema as { scale?: number }).scale ?? 0;
  }

  protected override _fromValue(bytes: Buffer): bigint {
    if (bytes.length > 0 && bytes.length <= READ_AS_NUMBER_BYTES) return BigInt(bytes.readIntBE(0, bytes.length));
    let value = 0n;
    for (const byte of bytes) value = (value << 8n) | BigInt(byte);
    return BigInt.asIntN(Math.max(8, bytes.length * 8), value);
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    return typeof value === 'bigint' ? twosComplement(value) : undefined;
  }

  /** Receives the value as the writer's type decoded it. Rejects another scale, which would change the amount. */
  protected override _resolve(type: avro.Type): ((value: bigint) => bigint) | undefined {
    return type instanceof DecimalType && type.scale === this.scale ? (value) => value : undefined;
  }
}

/** Encodes the value in the fewest bytes that hold it, big-endian. */
function twosComplement(value: bigint): Buffer {
  if (BigInt.asIntN(SAFE_BITS, value) !== value) return largeTwosComplement(value);
  // Nearly all amounts fit into a double without loss, and arithmetic on doubles is many times faster.
  let rest = Number(value);
  let length = 1;
  for (let bound = 128; rest >= bound || rest < -bound; bound *= 256) length += 1;
  const bytes = Buffer.allocUnsafe(length);
  for (let at = length - 1; at >= 0; at -= 1) {
    const low = ((rest % 256) + 256) % 256;
    bytes[at] = low;
    rest = (rest - low) / 256;
  }
  return bytes;
}

function largeTwosComplement(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length += 1;
  const bytes = Buffer.allocUnsafe(length);
  let rest = value;
  for (let at = length - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Converts Avro `timestamp-millis` to and from a Date. */
class TimestampType extends avro.types.LogicalType {
  protected override _fromValue(milliseconds: number): Date {
    return new Date(milliseconds);
  }

  protected override _toValue(value: unknown): number | undefined {
    return value instanceof Date ? value.getTime() : undefined;
  }

  protected override _resolve(type: avro.Type): ((value: Date) => Date) | undefined {
    return type instanceof TimestampType ? (value) => value : undefined;
  }
}

/** The logical types to pass to `SchemaRegistry`; without them it returns decimals as raw bytes. */
export const AVRO_LOGICAL_TYPES = { decimal: DecimalType, 'timestamp-millis': TimestampType };
