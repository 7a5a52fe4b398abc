import avro from 'avsc';
import { AVRO_LOGICAL_TYPES, ORDER_SCHEMA } from './order-schema.js';
import { registerOrderSchema, hasStatus, RegistryConnection, type RegistryAccess } from './registry-connection.js';
import { orderViolation, type Order } from './order.js';

/** Why a record's value is not an order. The codes are stable, and every attempt gives the same code. */
export type UndecodableCode =
  | 'empty-value'
  | 'not-wire-format'
  | 'unknown-schema'
  | 'schema-is-no-order'
  | 'malformed-avro'
  | 'invalid-order';

/** Thrown for an invalid record: every attempt fails the same way. An unavailable schema registry never causes this error. */
export class UndecodableOrderError extends Error {
  override readonly name = 'UndecodableOrderError';
  constructor(
    readonly code: UndecodableCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Confluent's wire format: a zero byte, the schema id (4 bytes, big-endian), the Avro body. */
const HEADER_BYTES = 5;
/** Orders are encoded one after another into buffers of this size. */
const BUFFER_BYTES = 64 * 1024;

type Reader = (body: Buffer) => unknown;

/**
 * Encodes orders to record values and decodes them, in Confluent's wire format, with schemas from the registry.
 * It encodes with the compiled type directly into one buffer: the client's own `encode` copies the body once more and is
 * half as fast. Decoding resolves any registered writer's schema to `ORDER_SCHEMA`, once per schema id.
 */
export class OrderCodec {
  private readonly readers = new Map<number, Reader>();
  private buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private used = 0;

  private constructor(
    private readonly registry: RegistryConnection,
    private readonly schemaId: number,
    private readonly type: avro.Type,
  ) {
    this.readers.set(schemaId, (body) => type.fromBuffer(body));
  }

  /**
   * Registers `ORDER_SCHEMA` under its subject with BACKWARD compatibility; idempotent.
   * @throws IncompatibleSchemaError when the registry rejects the schema. When the registry is unavailable, it throws the
   *   HTTP client's error; the caller may retry later.
   */
  static async connect(access: RegistryAccess): Promise<OrderCodec> {
    const registry = new RegistryConnection(access);
    const id = await registerOrderSchema(registry);
    const type = avro.Type.forSchema(ORDER_SCHEMA as unknown as avro.Schema, { logicalTypes: AVRO_LOGICAL_TYPES });
    return new OrderCodec(registry, id, type);
  }

  /**
   * Encodes an order. Without `legacy` it gets the schema's default.
   * @throws Error if the order doesn't fit the schema, which is a defect of the caller and not of the data
   */
  encode(order: Order): Buffer {
    const start = this.used;
    // A negative result is the number of missing bytes; the order is then encoded again into a new buffer.
    const end = start + HEADER_BYTES > BUFFER_BYTES ? -1 : this.type.encode(order, this.buffer, start + HEADER_BYTES);
    if (end < 0) {
      if (start === 0) throw new RangeError(`the order is larger than ${BUFFER_BYTES} bytes`);
      // The slices that were returned keep the old buffer alive.
      this.buffer = Buffer.allocUnsafe(BUFFER_BYTES);
      this.used = 0;
      return this.encode(order);
    }
    this.buffer[start] = 0;
    this.buffer.writeInt32BE(this.schemaId, start + 1);
    this.used = end;
    return this.buffer.subarray(start, end);
  }

  /**
   * Loads the schema of a value, so that `decode` can read it. It requests each schema from the registry once.
   * @returns `undefined` when no request is needed. Otherwise a promise, which rejects with UndecodableOrderError for an invalid
   *   record; any other rejection means that the registry is unavailable and says nothing about the record.
   */
  learn(value: Buffer | null): Promise<unknown> | undefined {
    const schemaId = schemaIdOf(value);
    return schemaId === undefined || this.readers.has(schemaId) ? undefined : this.readerOf(schemaId);
  }

  /**
   * Decodes a value whose schema is loaded, and validates the order.
   * @throws UndecodableOrderError for an invalid record
   */
  decode(value: Buffer | null): Order {
    const order = this.read(value);
    const violation = orderViolation(order);
    if (violation !== undefined) throw new UndecodableOrderError('invalid-order', violation);
    return order;
  }

  /** Decodes like `decode`, but without validating the order's values; used to show an invalid order. */
  read(value: Buffer | null): Order {
    if (value === null || value.length === 0) throw new UndecodableOrderError('empty-value', 'the value is empty');
    const schemaId = schemaIdOf(value);
    if (schemaId === undefined)
      throw new UndecodableOrderError('not-wire-format', 'the value does not begin with a zero byte and a schema id');
    const reader = this.readers.get(schemaId);
    if (reader === undefined)
      throw new Error(`schema ${schemaId} must be loaded with learn() before a value is decoded`);
    return readBody(reader, value.subarray(HEADER_BYTES));
  }

  private async readerOf(schemaId: number): Promise<Reader> {
    const writer = await this.writerType(schemaId);
    try {
      const resolver = this.type.createResolver(writer);
      const reader: Reader = (body) => this.type.fromBuffer(body, resolver);
      this.readers.set(schemaId, reader);
      return reader;
    } catch (cause) {
      throw new UndecodableOrderError('schema-is-no-order', `schema ${schemaId} can't be read as an order`, { cause });
    }
  }

  private async writerType(schemaId: number): Promise<avro.Type> {
    try {
      const schema: unknown = await this.registry.client.getSchema(schemaId);
      if (schema instanceof avro.Type) return schema;
    } catch (error) {
      if (!hasStatus(error, 404) || !(await this.registryDenies(schemaId))) throw error;
      throw new UndecodableOrderError('unknown-schema', `the registry has no schema ${schemaId}`, { cause: error });
    }
    throw new UndecodableOrderError('schema-is-no-order', `schema ${schemaId} is not an Avro schema`);
  }

  /** Accepts only the registry's own "schema not found": a 404 from a proxy or a wrong path says nothing about the id. */
  private async registryDenies(schemaId: number): Promise<boolean> {
    const response = await this.registry.request(`/schemas/ids/${schemaId}`);
    const body: unknown = response.status === 404 ? await response.json().catch(() => undefined) : undefined;
    return typeof body === 'object' && body !== null && 'error_code' in body && body.error_code === 40403;
  }
}

function schemaIdOf(value: Buffer | null): number | undefined {
  return value === null || value.length < HEADER_BYTES || value[0] !== 0 ? undefined : value.readInt32BE(1);
}

/** An order as Avro decodes it: a missing `legacy` is null. */
type DecodedOrder = Omit<Order, 'legacy'> & { readonly legacy: NonNullable<Order['legacy']> | null };

/** Converts a decoded order field by field: spread or rest would cost as much as the whole decoding. */
function orderOf(decoded: DecodedOrder): Order {
  const order = {
    id: decoded.id,
    number: decoded.number,
    accountId: decoded.accountId,
    side: decoded.side,
    symbol: decoded.symbol,
    quantity: decoded.quantity,
    price: decoded.price,
    amount: decoded.amount,
    currency: decoded.currency,
    createdAt: decoded.createdAt,
  };
  return decoded.legacy === null ? order : { ...order, legacy: decoded.legacy };
}

function readBody(reader: Reader, body: Buffer): Order {
  try {
    return orderOf(reader(body) as DecodedOrder);
  } catch (cause) {
    throw new UndecodableOrderError('malformed-avro', `the body does not match its schema: ${String(cause)}`, {
      cause,
    });
  }
}
