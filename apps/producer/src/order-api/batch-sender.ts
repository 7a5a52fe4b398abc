import { type Clock, pause } from '@orders-pipeline/clock';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import {
  type IntakeBatch,
  type KeyedRequest,
  packOrders,
  packValues,
  traceOf,
  unpackOrders,
  unpackValues,
} from '#orders/numbering/intake-batches.js';
import type { ReservedBlock } from '#orders/numbering/number-blocks.js';
import { originHeaders, type RecordOrigin } from '#orders/operation/record-headers.js';
import { completeOrder } from '#orders/order/intake-order.js';
import { contentHash } from '#orders/order/order-content.js';
import type { Order } from '#orders/order/order.js';
import { OrdersTopic } from '../publishing/orders-topic.js';
import type { OpenOperation } from './intake-operations.js';
import type { AcknowledgedBatch, IntakeStore } from './intake-store.js';
import { ordersIn, type PendingRequest, RepeatedRequests } from './orders-request.js';

/** The orders topic over a producer of its own, so that the chunks of operations don't delay single orders. */
export class IntakeTopic extends OrdersTopic {
  /** Encodes an order and its origin as a record. */
  encodeReceived(
    order: Order,
    { operationId, index, createdAtAssigned }: Omit<RecordOrigin, 'createdAtAssigned'> & { createdAtAssigned: boolean },
    parent?: string,
  ): OutgoingRecord {
    const record = {
      partition: this.gate.partitionOf(order.accountId),
      key: order.accountId,
      value: this.codec.encode(order),
      headers: originHeaders({ operationId, index, ...(createdAtAssigned && { createdAtAssigned }) }),
    };
    return this.traced(record, order, parent === undefined ? null : { parent });
  }

  /** Decodes a value that `encodeReceived` has encoded, maybe in another version. @throws when the registry is unavailable */
  async decode(value: Buffer): Promise<Order> {
    await this.codec.learn(value);
    return this.codec.read(value);
  }
}

/** How long a key is stored, in ms: a client can retry for two days. */
const KEY_TTL_MS = 2 * 24 * 60 * 60 * 1000;

/** The batches to store for a block, and the records to send once they are stored. */
interface BuiltBatch {
  /** The batch of the orders, and an abandoned one if the block has more numbers than there are orders. */
  readonly documents: readonly IntakeBatch[];
  readonly records: readonly OutgoingRecord[];
}

/** Gives the orders of requests the numbers of a block, from its first one on. @param at MongoDB's time */
export function buildBatch(
  requests: readonly PendingRequest[],
  block: ReservedBlock,
  at: Date,
  topic: Pick<IntakeTopic, 'encodeReceived'>,
): BuiltBatch {
  const { first, operationId, from } = block;
  const orders = [];
  const records: OutgoingRecord[] = [];
  const keyed: KeyedRequest[] = [];
  const traces = [];
  for (const { content, size, traceparent } of requests) {
    if (traceparent !== undefined) traces.push({ traceparent, at: records.length, count: size });
    if (content.keyed !== undefined) keyed.push({ ...content.keyed, at: records.length, count: size });
    for (const [position, intake] of content.orders.entries()) {
      const place = records.length;
      // Without a key and an id, the order can't be repeated: its id is new.
      const isRepeatable = content.keyed !== undefined || intake.id !== undefined;
      const createdAtAssigned = isRepeatable && intake.createdAt === undefined;
      const id = content.ids[position] ?? '';
      const order = completeOrder(intake, { id, number: first + place, createdAt: at });
      const record = topic.encodeReceived(order, { operationId, index: from + place, createdAtAssigned }, traceparent);
      records.push(record);
      orders.push({ id, hash: contentHash(order), partition: record.partition, createdAtAssigned });
    }
  }
  const document: IntakeBatch = {
    _id: first,
    operationId,
    from,
    count: records.length,
    state: 'reserved',
    at,
    orders: packOrders(orders),
    values: packValues(records.map(({ value }) => value as Buffer)),
    ...(keyed.length > 0 && { requests: keyed, keysUntil: new Date(at.getTime() + KEY_TTL_MS) }),
    ...(traces.length > 0 && { traces }),
  };
  if (records.length === block.count) return { documents: [document], records };
  return { documents: [document, abandoned(skip(block, records.length), at)], records };
}

/** Returns the block without its first numbers. */
function skip({ first, from, count, operationId }: ReservedBlock, numbers: number): ReservedBlock {
  return { operationId, first: first + numbers, from: from + numbers, count: count - numbers };
}

/** Returns the batch of numbers that have no orders. */
function abandoned({ first, operationId, from, count }: ReservedBlock, at: Date): IntakeBatch {
  return { _id: first, operationId, from, count, state: 'abandoned', at };
}

const RETRY_MS = 500;
/** The pause between two writes, so that under load each marks several batches. */
export const PAUSE_MS = 50;

/**
 * Marks batches as acknowledged, as many at once as have come since the last write. Clients don't wait for it: a batch without the mark
 * is sent again after a crash, which is harmless.
 */
export class Acknowledgements {
  private waiting: AcknowledgedBatch[] = [];
  private writing: Promise<void> | undefined;
  private isClosed = false;

  /** @param onError receives the error of a write that is retried */
  constructor(
    private readonly store: Pick<IntakeStore, 'acknowledge'>,
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  add(batch: AcknowledgedBatch): void {
    this.waiting.push(batch);
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  /** Resolves when all batches are marked, or given up. */
  async flush(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  /** Gives up writes that fail from now on: the next process marks those batches. */
  close(): void {
    this.isClosed = true;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batches = this.waiting;
      this.waiting = [];
      try {
        await this.store.acknowledge(batches);
        await pause(this.clock, PAUSE_MS);
      } catch (error) {
        this.onError(error);
        if (this.isClosed) return;
        this.waiting = [...batches, ...this.waiting];
        await pause(this.clock, RETRY_MS);
      }
    }
  }
}

/** What records of a batch are built from and sent with. */
export type BatchTopic = Pick<IntakeTopic, 'gate' | 'encodeReceived' | 'decode' | 'send'>;

/**
 * Decides what became of a block whose process crashed, or lost a response. Several processes may do that at once, also the one that
 * reserved the block: the unique first number of a batch decides between them.
 */
export class BlockRecovery {
  /** @param now MongoDB's time */
  constructor(
    private readonly store: IntakeStore,
    private readonly topic: BatchTopic,
    private readonly now: () => Date,
  ) {}

  /** Abandons the numbers of the block that are in no batch, then sends its reserved batches again. */
  async settle(block: ReservedBlock): Promise<void> {
    const batches = await this.abandonGaps(block);
    for (const batch of batches) if (batch.state === 'reserved') await this.resend(batch);
  }

  /**
   * Sends a reserved batch. Its records may be on the topic already: the same orders again are harmless.
   * Nothing else is safe, because a record that isn't on the topic now may still be on its way.
   */
  async resend(batch: IntakeBatch): Promise<void> {
    await this.topic.gate.pass(async () => this.send(batch));
  }

  private async send(batch: IntakeBatch): Promise<void> {
    const { _id: first, operationId, from } = batch;
    const orders = await Promise.all(unpackValues(batch).map(async (value) => this.topic.decode(value)));
    const stored = unpackOrders(batch);
    const records = orders.map((order, position) => {
      const createdAtAssigned = stored[position]?.createdAtAssigned ?? false;
      const origin = { operationId, index: from + position, createdAtAssigned };
      return this.topic.encodeReceived(order, origin, traceOf(batch, position));
    });
    const parts = await this.topic.send(records);
    // The topic may have got more partitions since the batch was stored.
    const placed = stored.map(({ id, hash, partition, createdAtAssigned }, position) => ({
      id,
      hash,
      partition: records[position]?.partition ?? partition,
      createdAtAssigned,
    }));
    await this.store.acknowledge([{ first, parts, orders: packOrders(placed) }]);
  }

  private async abandonGaps(block: ReservedBlock): Promise<readonly IntakeBatch[]> {
    for (;;) {
      const batches = await this.store.findInBlock(block.first, block.first + block.count - 1);
      const gap = firstGap(block, batches);
      if (gap === undefined) return batches;
      // Another process may have stored a batch there meanwhile: look again.
      await this.store.insert([abandoned(gap, this.now())]);
    }
  }
}

/** Returns the first numbers of a block that are in no batch, up to the next batch. */
function firstGap(block: ReservedBlock, batches: readonly IntakeBatch[]): ReservedBlock | undefined {
  let rest = block;
  for (const { _id, count } of batches) {
    if (_id > rest.first) return { ...rest, count: _id - rest.first };
    rest = skip(block, _id + count - block.first);
  }
  return rest.count > 0 ? rest : undefined;
}

/** Tries to store a batch: each of them found a repeated key that was not stored when the batch was collected. */
const MAX_TRIES = 10;

interface BatchSenderParts {
  readonly store: IntakeStore;
  readonly topic: BatchTopic;
  readonly acknowledgements: Acknowledgements;
  readonly clock: Clock;
  /** MongoDB's time. */
  readonly now: () => Date;
  /** Runs work until it succeeds. Its operation stays open until then. */
  readonly untilDone: (operation: OpenOperation, what: string, work: () => Promise<void>) => void;
}

/** Thrown when another process has taken over the operation. Nothing was accepted: the batch needs another operation. */
export class OperationOverError extends Error {
  override readonly name = 'OperationOverError';
  readonly code = 'operation-over';
}

/**
 * Takes requests on their way: reserve numbers, store the batch, send it, answer. A crash after any step leaves a block that
 * `BlockRecovery` settles.
 */
export class BatchSender {
  private readonly repeats: RepeatedRequests;
  private readonly recovery: BlockRecovery;

  constructor(private readonly parts: BatchSenderParts) {
    this.repeats = new RepeatedRequests(parts.store, parts.clock);
    this.recovery = new BlockRecovery(parts.store, parts.topic, parts.now);
  }

  /**
   * Reserves numbers for the requests that are not repeated.
   * @returns `undefined` if all are. @throws the error of the store: nothing was accepted
   */
  async reserve(requests: readonly PendingRequest[], operation: OpenOperation): Promise<Reserved | undefined> {
    const fresh = await this.repeats.settle(requests);
    if (fresh.length === 0) return undefined;
    const count = ordersIn(fresh);
    const { recorded } = operation;
    const wanted = { operationId: operation.id, from: operation.takeIndexes(count), count };
    const { first, unrecorded } = await this.parts.store.reserve(wanted, recorded);
    for (const orphan of operation.noteReserved(first, recorded, unrecorded))
      this.parts.untilDone(operation, 'abandon unused numbers', async () => {
        await this.recovery.settle(orphan);
        operation.noteRecorded(orphan.first);
      });
    return { operation, block: { first, ...wanted }, requests: fresh };
  }

  /** Stores and sends a reserved batch, and settles its requests. @throws OperationOverError */
  async send(reserved: Reserved): Promise<void> {
    const stored = await this.store(reserved);
    if (stored === undefined) return;
    const { operation, block } = reserved;
    const { requests, built } = stored;
    try {
      const parts = await this.parts.topic.send(built.records);
      this.parts.acknowledgements.add({ first: block.first, parts });
    } catch (error) {
      for (const request of requests) request.failAsUnknown();
      this.recover(reserved);
      throw error;
    }
    operation.acked += built.records.length;
    let first = block.first;
    for (const request of requests) {
      request.accept(operation.id, first);
      first += request.size;
    }
  }

  /** @returns the requests of the stored batch; `undefined` if there is none */
  private async store(
    reserved: Reserved,
  ): Promise<{ readonly built: BuiltBatch; readonly requests: readonly PendingRequest[] } | undefined> {
    const { operation, block } = reserved;
    let { requests } = reserved;
    try {
      for (let turn = 1; requests.length > 0; turn += 1) {
        const built = buildBatch(requests, block, this.parts.now(), this.parts.topic);
        const outcome = await this.parts.store.insert(built.documents);
        if (outcome === 'stored') {
          operation.noteRecorded(block.first);
          operation.count += built.records.length;
          return { built, requests };
        }
        if (outcome === 'taken') break;
        if (turn === MAX_TRIES) throw new Error(`a key is in another batch, but not found after ${MAX_TRIES} tries`);
        // Another producer stored the same request at the same time: its numbers count.
        requests = await this.repeats.settle(requests);
      }
    } catch (error) {
      for (const request of requests) request.failAsUnknown();
      this.recover(reserved);
      throw error;
    }
    if (requests.length > 0) throw new OperationOverError(`another process has taken over operation ${operation.id}`);
    const unused = abandoned(block, this.parts.now());
    this.parts.untilDone(operation, 'abandon unused numbers', async () => {
      await this.parts.store.insert([unused]);
      operation.noteRecorded(block.first);
    });
    return undefined;
  }

  private recover({ operation, block }: Reserved): void {
    this.parts.untilDone(operation, 'settle a batch with an unknown outcome', async () => {
      await this.recovery.settle(block);
      operation.noteRecorded(block.first);
    });
  }
}

/** Requests, and the numbers that are reserved for them. */
export interface Reserved {
  readonly operation: OpenOperation;
  readonly block: ReservedBlock;
  readonly requests: readonly PendingRequest[];
}
