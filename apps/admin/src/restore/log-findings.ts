import type { Db } from 'mongodb';
import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';
import type { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { readRedrive } from '#orders/dead-letter/dead-letters.js';
import type { ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import { intakeBatchesCollection, packOrders, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import { unrecordedBlocks } from '#orders/numbering/number-blocks.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { isCreatedAtAssigned, readOrigin } from '#orders/operation/record-headers.js';
import { UndecodableOrderError, type OrderCodec } from '#orders/order/order-codec.js';
import { contentHash } from '#orders/order/order-content.js';
import type { Order } from '#orders/order/order.js';
import type { LogRange } from '../backup/kafka-state.js';

/** No producer reserves as many numbers between two backups: a record with a higher number is not from the pipeline. */
const MOST_NUMBERS = 1_000_000_000;
/** Ten times the largest operation: so many numbers are skipped for records whose numbers can't be known. */
const SKIPPED_NUMBERS = 100_000_000;
const MOST_LISTED = 1_000;
/** As many as the intake stores in one batch. */
const MOST_ORDERS = 1_000;
/** Numbers of a chunk of `NumberSet`. */
const CHUNK_NUMBERS = 1_048_576;

interface OpenPartition {
  readonly fetches: AsyncGenerator<readonly ConsumedRecord[]>;
  /** The time of its last record that was read. */
  at: number;
}

/**
 * Yields the records of a topic fetch by fetch, from the partition whose records were read up to the earliest time: orders that were sent
 * together then come together, although they are on several partitions.
 */
export async function* readLog(
  reader: Pick<RecordReader, 'readRange'>,
  topic: string,
  ranges: readonly LogRange[],
): AsyncGenerator<readonly ConsumedRecord[]> {
  const open = new Set<OpenPartition>(
    ranges
      .filter(({ from, to }) => from < to)
      .map(({ partition, from, to }) => ({ fetches: reader.readRange(topic, partition, { from, to }), at: 0 })),
  );
  while (open.size > 0) {
    const next = [...open].reduce((earliest, each) => (each.at < earliest.at ? each : earliest));
    const { value } = await next.fetches.next();
    if (value === undefined) {
      open.delete(next);
      continue;
    }
    const records = value as readonly ConsumedRecord[];
    next.at = records.at(-1)?.timestamp ?? next.at;
    yield records;
  }
}

/** What a record of the orders topic says about itself. */
export interface LoggedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  /** `undefined`: no producer of the pipeline has sent it. */
  readonly origin: { readonly operationId: string; readonly index: number } | undefined;
  /** The dead letter that it sends again. */
  readonly redriveOf: string | undefined;
  /** `undefined`: it can't be decoded. */
  readonly number: number | undefined;
  readonly legacy: { readonly number: number; readonly id: string } | undefined;
  /** The order that it adds: `undefined` if it is no valid order, an extra record of an injected fault, or a redrive. */
  readonly order: LoggedOrder | undefined;
  readonly accountKey: string | undefined;
}

/** A valid order in the log, as an intake's batch keeps it. */
interface LoggedOrder {
  readonly id: string;
  readonly number: number;
  /** The hash of its content, in hexadecimal digits. */
  readonly hash: string;
  readonly createdAt: Date;
  readonly createdAtAssigned: boolean;
}

/** Decodes records of the orders topic as a consumer does. */
export class LoggedOrders {
  constructor(private readonly codec: Pick<OrderCodec, 'learn' | 'read' | 'decode'>) {}

  /** @throws the registry's error when it is unavailable */
  async read(record: ConsumedRecord): Promise<LoggedRecord> {
    const { partition, offset, timestamp, key, value, headers } = record;
    const origin = readOrigin(headers);
    const redriveOf = readRedrive(headers)?.letterId;
    const found = await this.orderIn(value);
    const isExtra = origin?.fault === 'duplicate' || origin?.fault === 'conflict';
    const adds = found?.isValid === true && origin !== undefined && redriveOf === undefined && !isExtra;
    return {
      partition,
      offset,
      timestamp,
      origin: origin && { operationId: origin.operationId, index: origin.index },
      redriveOf,
      number: found?.order.number,
      legacy: found?.order.legacy && { number: found.order.legacy.number, id: found.order.id },
      order: adds ? toLoggedOrder(found.order, isCreatedAtAssigned(headers)) : undefined,
      accountKey: key?.toString(),
    };
  }

  private async orderIn(
    value: Buffer | null,
  ): Promise<{ readonly order: Order; readonly isValid: boolean } | undefined> {
    try {
      const learning = this.codec.learn(value);
      if (learning !== undefined) await learning;
      return { order: this.codec.decode(value), isValid: true };
    } catch (error) {
      if (!(error instanceof UndecodableOrderError)) throw error;
      // Its number is taken, although no consumer saves it.
      return error.code === 'invalid-order' ? { order: this.codec.read(value), isValid: false } : undefined;
    }
  }
}

function toLoggedOrder(order: Order, createdAtAssigned: boolean): LoggedOrder {
  const { id, number, createdAt } = order;
  return { id, number, hash: contentHash(order), createdAt, createdAtAssigned };
}

/** Consecutive order numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** The order numbers whose use the backup knows: those of its operations, and of the batches that are stored. */
export class KnownNumbers {
  /** @param highest the counter of the backup @param open numbers below it that were reserved, without a batch yet */
  constructor(
    readonly highest: number,
    private readonly open: readonly NumberRange[],
  ) {}

  /** Reads them from a database that is loaded. @param highest the counter of the backup, which an earlier run may have raised */
  static async read(db: Db, highest: number): Promise<KnownNumbers> {
    const open: NumberRange[] = [];
    for (const { first, count } of await unrecordedBlocks(db)) {
      const last = first + count - 1;
      const batches = await intakeBatchesCollection(db)
        .find({ _id: { $gte: first, $lte: last } })
        .project<{ _id: number; count: number }>({ count: 1 })
        .sort({ _id: 1 })
        .toArray();
      let from = first;
      for (const batch of batches) {
        if (batch._id > from) open.push({ from, to: batch._id - 1 });
        from = batch._id + batch.count;
      }
      if (from <= last) open.push({ from, to: last });
    }
    return new KnownNumbers(highest, open);
  }

  has(number: number): boolean {
    return number <= this.highest && !this.open.some(({ from, to }) => number >= from && number <= to);
  }
}

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
  *missing(from: number, to: number): Generator<NumberRange> {
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

/** What the log has of an operation since the backup. */
export interface LoggedOperation {
  readonly id: string;
  /** Records, those that are repeated or wrong included. */
  records: number;
  /** Valid orders whose numbers the backup does not know. */
  orders: number;
  firstNumber: number | null;
  lastNumber: number | null;
  /** Times of the first and the last record, in ms since 1970. */
  firstAt: number;
  lastAt: number;
  /** The number of its order with index 0; `undefined`: unknown; `null`: its numbers are in several blocks. */
  base: number | null | undefined;
  /** The highest index of a record that can't be decoded; -1: none. */
  highestUndecoded: number;
}

/** Collects what the orders topic says about the time since the backup. */
export class LogFindings {
  records = 0;
  /** Records without the headers of an operation, or with a number that no operation can have. */
  foreign = 0;
  undecodable = 0;
  readonly operations = new Map<string, LoggedOperation>();
  /** Ids of dead letters that were sent again, the first 1,000. */
  readonly redriven = new Set<string>();
  readonly seen = new NumberSet();
  private highestSeen: number;

  /** @param restored the operations in the backup, by id */
  constructor(
    private readonly known: KnownNumbers,
    private readonly restored: ReadonlyMap<string, Pick<OperationDocument, 'kind' | 'count'>>,
  ) {
    this.highestSeen = known.highest;
  }

  /** @returns the order, if the backup knows nothing of its number and the log had none with it before */
  note(record: LoggedRecord): PlacedOrder | undefined {
    this.records += 1;
    const { origin, number, redriveOf, order } = record;
    if (redriveOf !== undefined && this.redriven.size < MOST_LISTED) this.redriven.add(redriveOf);
    if (origin === undefined || (number !== undefined && number > this.known.highest + MOST_NUMBERS)) {
      this.foreign += 1;
      return undefined;
    }
    if (number === undefined) this.undecodable += 1;
    else this.highestSeen = Math.max(this.highestSeen, number);
    // The operation that sends it again is not in its headers.
    if (redriveOf !== undefined) return undefined;
    const operation = this.noteOperation(origin, record);
    if (order === undefined || this.known.has(order.number) || !this.seen.add(order.number)) return undefined;
    operation.orders += 1;
    operation.firstNumber = Math.min(operation.firstNumber ?? order.number, order.number);
    operation.lastNumber = Math.max(operation.lastNumber ?? order.number, order.number);
    const { partition, offset, timestamp } = record;
    return { ...order, ...origin, partition, offset, timestamp };
  }

  /** The operations that the backup lacks. */
  get lost(): LoggedOperation[] {
    return [...this.operations.values()].filter(({ id }) => !this.restored.has(id));
  }

  /** The operations of the backup that have gone on since. */
  get progressed(): LoggedOperation[] {
    return [...this.operations.values()].filter(({ id }) => this.restored.has(id));
  }

  /** Returns the number above which new orders get theirs. */
  highestNumber(): { readonly highest: number; readonly skipped: number } {
    const undecoded = [...this.operations.values()].filter(
      ({ id, highestUndecoded }) => highestUndecoded >= 0 && !this.isNumbered(id),
    );
    const resolved = undecoded.flatMap(({ base, highestUndecoded }) =>
      typeof base === 'number' ? [base + highestUndecoded] : [],
    );
    const skipped = resolved.length < undecoded.length ? SKIPPED_NUMBERS : 0;
    return { highest: Math.max(this.highestSeen, ...resolved) + skipped, skipped };
  }

  private noteOperation(
    { operationId, index }: { operationId: string; index: number },
    record: LoggedRecord,
  ): LoggedOperation {
    const { number, timestamp } = record;
    const operation = this.operations.get(operationId) ?? this.addOperation(operationId, timestamp);
    operation.records += 1;
    operation.firstAt = Math.min(operation.firstAt, timestamp);
    operation.lastAt = Math.max(operation.lastAt, timestamp);
    if (number === undefined) operation.highestUndecoded = Math.max(operation.highestUndecoded, index);
    else if (operation.base === undefined) operation.base = number - index;
    else if (operation.base !== number - index) operation.base = null;
    return operation;
  }

  private addOperation(id: string, at: number): LoggedOperation {
    const operation = {
      id,
      records: 0,
      orders: 0,
      firstNumber: null,
      lastNumber: null,
      firstAt: at,
      lastAt: at,
      base: undefined,
      highestUndecoded: -1,
    };
    this.operations.set(id, operation);
    return operation;
  }

  /** Whether all numbers of the operation were reserved before the backup. */
  private isNumbered(id: string): boolean {
    const restored = this.restored.get(id);
    return restored !== undefined && restored.kind !== 'intake' && restored.count > 0;
  }
}

/** An order in the log with its place in its operation and on the topic. */
export interface PlacedOrder extends LoggedOrder {
  readonly operationId: string;
  readonly index: number;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * Makes the batches of orders whose own processing metadata is lost, as the intake would have stored them after Kafka's acknowledgement:
 * with them, the orders count as those of an operation, and reconciliation finds and compares them.
 * @param orders no two with the same number
 */
export function toBatches(orders: readonly PlacedOrder[]): IntakeBatch[] {
  const batches: IntakeBatch[] = [];
  let run: PlacedOrder[] = [];
  for (const order of orders.toSorted((a, b) => a.number - b.number)) {
    if (!continues(run, order)) {
      if (run.length > 0) batches.push(toBatch(run));
      run = [];
    }
    run.push(order);
  }
  if (run.length > 0) batches.push(toBatch(run));
  return batches;
}

function continues(run: readonly PlacedOrder[], order: PlacedOrder): boolean {
  const last = run.at(-1);
  if (last === undefined || run.length === MOST_ORDERS) return false;
  if (last.operationId !== order.operationId) return false;
  if (order.number !== last.number + 1 || order.index !== last.index + 1) return false;
  // A batch has one time, which is the `createdAt` of those orders to which the intake has assigned it.
  const assigned = run.find(({ createdAtAssigned }) => createdAtAssigned);
  return (
    !order.createdAtAssigned || assigned === undefined || assigned.createdAt.getTime() === order.createdAt.getTime()
  );
}

function toBatch(run: readonly PlacedOrder[]): IntakeBatch {
  const [first] = run as [PlacedOrder];
  const assigned = run.find(({ createdAtAssigned }) => createdAtAssigned);
  return {
    _id: first.number,
    operationId: first.operationId,
    from: first.index,
    count: run.length,
    state: 'acknowledged',
    at: assigned?.createdAt ?? new Date(first.timestamp),
    orders: packOrders(run),
    parts: toParts(run),
  };
}

/** Returns the places of the records: on each partition, in the order of the numbers. */
function toParts(run: readonly PlacedOrder[]): ChunkPart[] {
  const parts: { partition: number; records: number; baseOffset: number }[] = [];
  const current = new Map<number, { partition: number; records: number; baseOffset: number }>();
  for (const { partition, offset } of run) {
    const part = current.get(partition);
    if (part !== undefined && part.baseOffset + part.records === offset) {
      part.records += 1;
      continue;
    }
    const next = { partition, records: 1, baseOffset: offset };
    current.set(partition, next);
    parts.push(next);
  }
  return parts;
}
