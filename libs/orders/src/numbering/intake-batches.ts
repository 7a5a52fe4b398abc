import { Binary, type Collection, type Db } from 'mongodb';
import type { Order } from '../order/order.js';
import { contentHash, HASH_BYTES, uuidAt } from '../order/order-content.js';
import { bytesOf } from './number-runs.js';
import type { ChunkPart } from '../operation/acknowledged-chunks.js';

/** A request with an Idempotency-Key in a batch. */
export interface KeyedRequest {
  /** A fingerprint of the caller and the key. No two batches have the same key. */
  readonly key: string;
  /** A fingerprint of the request: a repeated key must have the same one. */
  readonly request: string;
  /** The position of its first order in the batch. */
  readonly at: number;
  readonly count: number;
}

/**
 * A block of order numbers that an intake has reserved, and the orders that have them. The orders are sent to Kafka only after this
 * document is stored.
 * - `reserved`: the orders may be on the topic; `values` has them, so that any process can send them again
 * - `acknowledged`: all in-sync replicas have the orders
 * - `abandoned`: the numbers have no orders, and never will
 */
export interface IntakeBatch {
  /** The first number. The blocks of all batches and other operations are disjoint. */
  readonly _id: number;
  readonly operationId: string;
  /** The index of the first order in its operation. */
  readonly from: number;
  readonly count: number;
  readonly state: 'reserved' | 'acknowledged' | 'abandoned';
  /** When it was made, by MongoDB's clock: the `createdAt` of orders that a client sent without one. */
  readonly at: Date;
  /** The orders, as `packOrders` packs them; absent in an abandoned batch. */
  readonly orders?: Binary;
  /** The record values of a reserved batch, as `packValues` packs them. */
  readonly values?: Binary;
  /** The positions of an acknowledged batch on the topic. Records that were sent again are on the topic twice; this is the last time. */
  readonly parts?: readonly ChunkPart[];
  /** Absent without keyed requests, and after `keysUntil`. */
  readonly requests?: readonly KeyedRequest[];
  /** When the keys expire. */
  readonly keysUntil?: Date;
  /** The trace contexts of its requests, as `traceparent`. Absent if none is traced. */
  readonly traces?: readonly { readonly traceparent: string; readonly at: number; readonly count: number }[];
}

/** Returns the trace context of the request of an order in a batch. @param position from 0 */
export function traceOf({ traces }: Pick<IntakeBatch, 'traces'>, position: number): string | undefined {
  return traces?.find(({ at, count }) => position >= at && position < at + count)?.traceparent;
}

export function intakeBatchesCollection(db: Db): Collection<IntakeBatch> {
  return db.collection<IntakeBatch>('intakeBatches');
}

/** What a batch stores of each of its orders. */
interface BatchOrder {
  /** UUID, lower case. */
  readonly id: string;
  /** The hash of its content, in hexadecimal digits (`order-content.ts`). */
  readonly hash: string;
  readonly partition: number;
  /** Whether its `createdAt` is the batch's `at`, so that a repeat of the request has another one. */
  readonly createdAtAssigned: boolean;
}

/** What an intake would have stored of an order that was saved before under another number. */
export interface ReceivedContent {
  readonly number: number;
  /** The hash of its content with this number. */
  readonly hash: string;
  /** The `createdAt` that the producer assigned; `undefined` if the client gave one. */
  readonly assignedAt: Date | undefined;
}

/** Whether a stored order is the received one, apart from the number and a time that the producer assigned. If not, it is a conflict. */
export function isReceivedAgain(stored: Order, { number, hash, assignedAt }: ReceivedContent): boolean {
  const order = { ...stored, number };
  // An order that did not come from the legacy system equals its own export.
  const exported = { ...order, legacy: stored.legacy ?? { number: stored.number, filled: [] } };
  const times = [stored.createdAt, ...(assignedAt === undefined ? [] : [assignedAt])];
  return [order, exported].some((each) => times.some((createdAt) => contentHash({ ...each, createdAt }) === hash));
}

const ID_BYTES = 16;
const PARTITION_AT = ID_BYTES + HASH_BYTES;
const FLAG_AT = PARTITION_AT + 4;
const ORDER_BYTES = FLAG_AT + 1;
const NONE = Buffer.alloc(0);

/** Packs orders into 37 bytes each: an array of documents would take MongoDB and the driver several times as long. */
export function packOrders(orders: readonly BatchOrder[]): Binary {
  const bytes = Buffer.allocUnsafe(orders.length * ORDER_BYTES);
  for (const [position, { id, hash, partition, createdAtAssigned }] of orders.entries()) {
    const at = position * ORDER_BYTES;
    bytes.write(id.replaceAll('-', ''), at, ID_BYTES, 'hex');
    bytes.write(hash, at + ID_BYTES, HASH_BYTES, 'hex');
    bytes.writeInt32BE(partition, at + PARTITION_AT);
    bytes[at + FLAG_AT] = Number(createdAtAssigned);
  }
  return new Binary(bytes);
}

/** Returns the orders of a batch by position; none of an abandoned batch. */
export function unpackOrders({ orders }: Pick<IntakeBatch, 'orders'>): BatchOrder[] {
  const bytes = orders === undefined ? NONE : bytesOf(orders);
  return Array.from({ length: bytes.length / ORDER_BYTES }, (_, position) => {
    const at = position * ORDER_BYTES;
    return {
      id: uuidAt(bytes, at),
      hash: bytes.toString('hex', at + ID_BYTES, at + PARTITION_AT),
      partition: bytes.readInt32BE(at + PARTITION_AT),
      createdAtAssigned: bytes[at + FLAG_AT] === 1,
    };
  });
}

const LENGTH_BYTES = 4;

/** Packs record values, each behind its length. */
export function packValues(values: readonly Buffer[]): Binary {
  const bytes = Buffer.allocUnsafe(values.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  let at = 0;
  for (const value of values) {
    at = bytes.writeUInt32BE(value.length, at);
    at += value.copy(bytes, at);
  }
  return new Binary(bytes);
}

export function unpackValues({ values: packed }: Pick<IntakeBatch, 'values'>): Buffer[] {
  const bytes = packed === undefined ? NONE : bytesOf(packed);
  const values: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const from = at + LENGTH_BYTES;
    at = from + bytes.readUInt32BE(at);
    values.push(bytes.subarray(from, at));
  }
  return values;
}

/** Returns the batch whose block contains an order number; `null` if there is none. */
export async function batchOfNumber(
  db: Db,
  number: number,
  options: { readonly maxTimeMS?: number } = {},
): Promise<IntakeBatch | null> {
  const batch = await intakeBatchesCollection(db).findOne({ _id: { $lte: number } }, { sort: { _id: -1 }, ...options });
  return batch !== null && number < batch._id + batch.count ? batch : null;
}
