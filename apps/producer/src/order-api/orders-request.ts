import { hash, randomUUID } from 'node:crypto';
import { HttpStatus } from '@nestjs/common';
import { v5 as uuidv5 } from 'uuid';
import { z } from 'zod';
import { type Clock, pause } from '@orders-pipeline/clock';
import type { IntakeBatch } from '#orders/numbering/intake-batches.js';
import type { IntakeOrder } from '#orders/order/intake-order.js';
import { createOrderIds } from '#orders/order/order.js';
import { Problem } from '#service/http/problem.js';
import { tracing } from '#service/telemetry/tracing.js';
import { keyReused } from '../operations/idempotency-keys.js';
import type { IntakeStore } from './intake-store.js';

/** The UUID namespace of order ids that are derived from an Idempotency-Key. Changing it makes repeated requests new orders. */
const NAMESPACE = '5b0b5e0f-6e0d-4d0c-9d4f-0d8f0b1c2a37';

/** One request of `POST /v1/orders`. */
export interface OrdersRequest {
  readonly orders: readonly IntakeOrder[];
  /** The id of each order, in lower case. */
  readonly ids: readonly string[];
  /** Fingerprints of the caller and its Idempotency-Key, and of the request; `undefined` without a key. */
  readonly keyed: { readonly key: string; readonly request: string } | undefined;
}

/** Who sent a request. */
interface RequestSource {
  /** The subject of the token; `undefined` without authentication. */
  readonly caller: string | undefined;
  /** The Idempotency-Key, if any. */
  readonly key: string | undefined;
  /** Whether the body is an array: an array of one order is another request than the order. */
  readonly isArray: boolean;
}

/**
 * Assigns the ids of orders that have none. With a key it is the UUIDv5 of (caller, key, index), so that a repeated request is the same
 * order even after its key has expired. Without a key, ids of one process follow each other, as those of an operation do.
 */
export function createRequest(
  orders: readonly IntakeOrder[],
  { caller = '', key, isArray }: RequestSource,
): OrdersRequest {
  if (key === undefined) return { orders, ids: orders.map(({ id }) => id ?? nextId()), keyed: undefined };
  const ids = orders.map(({ id }, index) => id ?? uuidv5(JSON.stringify([caller, key, index]), NAMESPACE));
  const keyed = { key: fingerprint([caller, key]), request: fingerprint([isArray, orders]) };
  return { orders, ids, keyed };
}

const idAt = createOrderIds(randomUUID());
let ids = 0;

function nextId(): string {
  ids += 1;
  return idAt(ids);
}

function fingerprint(value: unknown): string {
  const text = JSON.stringify(value, (_name, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
  return hash('sha256', text, 'base64url');
}

/** The response of `POST /v1/orders`. */
export const AcceptedOrdersSchema = z
  .object({
    operationId: z.uuid().describe('The operation of the day that these orders belong to.'),
    items: z
      .array(z.object({ id: z.uuid(), number: z.int().min(1) }).meta({ title: 'AcceptedOrder' }))
      .describe('In the order of the request.'),
  })
  .meta({ title: 'AcceptedOrders' });

export type AcceptedOrders = z.infer<typeof AcceptedOrdersSchema>;

/** A request that waits for Kafka's acknowledgement. Only its first outcome counts. */
export class PendingRequest {
  readonly outcome: Promise<AcceptedOrders>;
  /** The trace context of the request; `undefined` if it is not traced. */
  readonly traceparent = tracing()?.activeContext();
  private isOver = false;
  private readonly resolve: (accepted: AcceptedOrders) => void;
  private readonly reject: (error: unknown) => void;

  constructor(readonly content: OrdersRequest) {
    const { promise, resolve, reject } = Promise.withResolvers<AcceptedOrders>();
    this.outcome = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  get size(): number {
    return this.content.orders.length;
  }

  get isSettled(): boolean {
    return this.isOver;
  }

  /** @param first the number of its first order; the others follow */
  accept(operationId: string, first: number): void {
    const items = this.content.ids.map((id, at) => ({ id, number: first + at }));
    this.isOver = true;
    this.resolve({ operationId, items });
  }

  fail(error: unknown): void {
    this.isOver = true;
    this.reject(error);
  }

  failAsUnknown(): void {
    this.fail(outcomeUnknown());
  }
}

/** Returns the number of orders. */
export function ordersIn(requests: readonly PendingRequest[]): number {
  return requests.reduce((sum, { size }) => sum + size, 0);
}

const POLL_INTERVAL_MS = 50;

/** Answers requests whose Idempotency-Key is in a stored batch with the orders of that batch. */
export class RepeatedRequests {
  constructor(
    private readonly store: Pick<IntakeStore, 'findByKeys'>,
    private readonly clock: Clock,
  ) {}

  /** @returns the requests that are not repeated. @throws the error of the store */
  async settle(requests: readonly PendingRequest[]): Promise<PendingRequest[]> {
    const keys = requests.flatMap(({ content }) => content.keyed?.key ?? []);
    if (keys.length === 0) return [...requests];
    const batches = await this.store.findByKeys(keys);
    if (batches.length === 0) return [...requests];
    return requests.filter((request) => {
      const batch = batches.find((each) => requestIn(each, request) !== undefined);
      if (batch !== undefined && !settleFrom(batch, request)) void this.await(request);
      return batch === undefined;
    });
  }

  /** Waits until another process, or another batch of this one, has sent the batch. The request's own time-out ends the wait. */
  private async await(request: PendingRequest): Promise<void> {
    const keys = request.content.keyed === undefined ? [] : [request.content.keyed.key];
    while (!request.isSettled) {
      await pause(this.clock, POLL_INTERVAL_MS);
      try {
        const [batch] = await this.store.findByKeys(keys);
        if (batch === undefined || settleFrom(batch, request)) break;
      } catch {
        // MongoDB is unavailable. The orders are stored, but not known to be on the topic.
        break;
      }
    }
    if (!request.isSettled) request.failAsUnknown();
  }
}

function requestIn({ requests }: IntakeBatch, { content }: PendingRequest) {
  return requests?.find(({ key }) => key === content.keyed?.key);
}

/** @returns false if the orders are not acknowledged yet */
function settleFrom(batch: IntakeBatch, request: PendingRequest): boolean {
  const earlier = requestIn(batch, request);
  if (earlier === undefined) return false;
  if (earlier.request !== request.content.keyed?.request) request.fail(keyReused());
  else if (batch.state !== 'acknowledged') return false;
  else request.accept(batch.operationId, batch._id + earlier.at);
  return true;
}

const SOON = { 'Retry-After': '1' };

/** The orders were not accepted: too many others wait. */
export function tooManyWaiting(limit: number): Problem {
  const detail = `${limit.toLocaleString('en-US')} orders already wait for Kafka and MongoDB. Nothing was accepted: repeat the request.`;
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'too-many-waiting', detail, {}, SOON);
}

/** The orders were not accepted in time. */
export function notAccepted(reason: string): Problem {
  const detail = `Nothing was accepted: ${reason}. Repeat the request.`;
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'not-accepted', detail, {}, SOON);
}

/** The orders were not accepted: the topic gets more partitions, for some seconds. */
export function topicExpands(): Problem {
  const detail = 'Nothing was accepted: the topic gets more partitions. Repeat the request in some seconds.';
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'topic-expands', detail, {}, { 'Retry-After': '5' });
}

/** The orders are stored, and may be sent to Kafka later. */
function outcomeUnknown(): Problem {
  const detail =
    'The orders may have been accepted. Repeat the request with the same Idempotency-Key, or with the same ids: no order is saved twice.';
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'outcome-unknown', detail, {}, SOON);
}
