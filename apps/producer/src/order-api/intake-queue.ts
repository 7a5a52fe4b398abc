import type { Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { inTrace } from '#service/telemetry/tracing.js';
import type { SendGate } from '../publishing/send-gate.js';
import { keyReused } from '../operations/idempotency-keys.js';
import { type BatchSender, OperationOverError, type Reserved } from './batch-sender.js';
import type { OpenOperation } from './intake-operations.js';
import {
  type AcceptedOrders,
  notAccepted,
  ordersIn,
  type OrdersRequest,
  PendingRequest,
  tooManyWaiting,
  topicExpands,
} from './orders-request.js';

/** Maximum number of orders in a batch, and in a request. */
export const MAX_BATCH_ORDERS = 1_000;
/** How long the first request of a batch waits for others, in ms, while no batch is on its way. */
export const COLLECT_MS = 3;
/** As `COLLECT_MS`, while one is: each batch costs MongoDB and Kafka the same, however many orders it has. */
export const COLLECT_UNDER_LOAD_MS = 12;
/** Maximum number of batches between their reservation and their acknowledgement. */
const MAX_RUNNING_BATCHES = 3;
/** Maximum number of orders that are in no batch yet. */
export const MAX_WAITING_ORDERS = 20_000;
/** How long a request waits for its outcome, in ms. */
export const REQUEST_TIMEOUT_MS = timeLimit(10_000);

interface IntakeQueueParts {
  readonly sender: Pick<BatchSender, 'reserve' | 'send'>;
  /** Returns the operation for new orders. */
  readonly currentOperation: () => Promise<OpenOperation>;
  readonly gate: Pick<SendGate, 'isOpen' | 'pass'>;
  readonly clock: Clock;
  /** Receives the errors of batches; their requests have them already. */
  readonly onError: (error: unknown) => void;
  readonly onBatch: (orders: number) => void;
}

/**
 * Collects requests into batches. Numbers are reserved for one batch at a time, and meanwhile the next one is collected; the later steps
 * of several batches run at once. Requests of one client that follow each other's responses keep their order.
 */
export class IntakeQueue {
  private waiting: { readonly request: PendingRequest; readonly since: number }[] = [];
  private waitingOrders = 0;
  private running = 0;
  private isReserving = false;
  private isClosed = false;
  /** Whether a timer is set. It may be that of a batch that was full earlier: then the collection goes on. */
  private isCollecting = false;
  private readonly idle: (() => void)[] = [];
  private readonly byKey = new Map<string, PendingRequest>();

  constructor(private readonly parts: IntakeQueueParts) {}

  /** The number of orders that are in no batch yet. */
  get length(): number {
    return this.waitingOrders;
  }

  /**
   * Resolves once all in-sync replicas have the orders.
   * @throws Problem 503 if too many orders wait, after the time-out, and while it closes; 422 for a reused key; an error of MongoDB's
   *   driver: nothing was accepted
   */
  async accept(content: OrdersRequest): Promise<AcceptedOrders> {
    if (this.isClosed) throw notAccepted('the producer is stopping');
    if (!this.parts.gate.isOpen) throw topicExpands();
    const same = content.keyed && this.byKey.get(content.keyed.key);
    if (same !== undefined && same.content.keyed?.request !== content.keyed?.request) throw keyReused();
    if (same !== undefined) return same.outcome;
    if (this.waitingOrders + content.orders.length > MAX_WAITING_ORDERS) throw tooManyWaiting(MAX_WAITING_ORDERS);
    const request = new PendingRequest(content);
    this.waiting.push({ request, since: this.parts.clock.now() });
    this.waitingOrders += request.size;
    if (content.keyed) this.byKey.set(content.keyed.key, request);
    const cancelTimeout = this.parts.clock.after(REQUEST_TIMEOUT_MS, () => this.expire(request));
    inTrace(undefined, () => this.pump());
    try {
      return await request.outcome;
    } finally {
      cancelTimeout();
      if (content.keyed) this.byKey.delete(content.keyed.key);
    }
  }

  /** Accepts no more requests, and resolves when all accepted ones are settled. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.running === 0 && this.waiting.length === 0) return;
    await new Promise<void>((resolve) => void this.idle.push(resolve));
  }

  private expire(request: PendingRequest): void {
    const at = this.waiting.findIndex((each) => each.request === request);
    if (at === -1) return request.failAsUnknown();
    this.waiting.splice(at, 1);
    this.waitingOrders -= request.size;
    request.fail(notAccepted(`MongoDB or Kafka took longer than ${REQUEST_TIMEOUT_MS / 1_000} s`));
  }

  private pump(): void {
    if (!this.parts.gate.isOpen) this.refuseWaiting();
    const [oldest] = this.waiting;
    if (oldest === undefined) {
      if (this.running === 0) for (const resolve of this.idle.splice(0)) resolve();
      return;
    }
    if (this.isReserving || this.running >= MAX_RUNNING_BATCHES) return;
    const collectMs = this.running === 0 ? COLLECT_MS : COLLECT_UNDER_LOAD_MS;
    const left = oldest.since + collectMs - this.parts.clock.now();
    if (left <= 0 || this.waitingOrders >= MAX_BATCH_ORDERS) {
      void this.parts.gate.pass(async () => this.run(this.takeBatch()));
      return;
    }
    if (this.isCollecting) return;
    this.isCollecting = true;
    this.parts.clock.after(left, () => {
      this.isCollecting = false;
      this.pump();
    });
  }

  private refuseWaiting(): void {
    for (const { request } of this.waiting.splice(0)) request.fail(topicExpands());
    this.waitingOrders = 0;
  }

  private takeBatch(): PendingRequest[] {
    const batch: PendingRequest[] = [];
    let orders = 0;
    for (const { request } of this.waiting) {
      if (orders + request.size > MAX_BATCH_ORDERS) break;
      orders += request.size;
      batch.push(request);
    }
    this.waiting = this.waiting.slice(batch.length);
    this.waitingOrders -= orders;
    return batch;
  }

  private async run(batch: readonly PendingRequest[]): Promise<void> {
    this.running += 1;
    this.isReserving = true;
    const reserved = await this.reserve(batch);
    this.isReserving = false;
    if (reserved !== undefined) {
      this.pump();
      await this.send(reserved);
      reserved.operation.running -= 1;
    }
    this.running -= 1;
    this.pump();
  }

  private async reserve(batch: readonly PendingRequest[]): Promise<Reserved | undefined> {
    try {
      const operation = await this.parts.currentOperation();
      const reserved = await this.parts.sender.reserve(batch, operation);
      if (reserved !== undefined) operation.running += 1;
      return reserved;
    } catch (error) {
      this.parts.onError(error);
      for (const request of batch) request.fail(error);
      return undefined;
    }
  }

  private async send(reserved: Reserved): Promise<void> {
    try {
      await this.parts.sender.send(reserved);
      this.parts.onBatch(ordersIn(reserved.requests));
    } catch (error) {
      this.parts.onError(error);
      if (!(error instanceof OperationOverError)) return;
      reserved.operation.close();
      const again = reserved.requests.filter((request) => !request.isSettled);
      this.waiting = [...again.map((request) => ({ request, since: 0 })), ...this.waiting];
      this.waitingOrders += ordersIn(again);
    }
  }
}
