import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { SendGate } from '../publishing/send-gate.js';
import { type BatchSender, OperationOverError, type Reserved } from './batch-sender.js';
import { OpenOperation } from './intake-operations.js';
import {
  COLLECT_MS,
  COLLECT_UNDER_LOAD_MS,
  IntakeQueue,
  MAX_BATCH_ORDERS,
  MAX_WAITING_ORDERS,
  REQUEST_TIMEOUT_MS,
} from './intake-queue.js';
import { type AcceptedOrders, ordersIn, type PendingRequest } from './orders-request.js';
import { requestOf } from './testing/simulated-intake.js';

/** A sender whose steps the spec completes. */
class ManualSender implements Pick<BatchSender, 'reserve' | 'send'> {
  /** The sizes of the batches that are reserved, or being reserved. */
  readonly batches: number[] = [];
  /** The batches that are being sent. */
  readonly sending: PendingRequest[][] = [];
  private readonly reserving: (() => void)[] = [];
  private readonly sends: PromiseWithResolvers<void>[] = [];

  async reserve(requests: readonly PendingRequest[], operation: OpenOperation): Promise<Reserved> {
    const count = ordersIn(requests);
    this.batches.push(count);
    await new Promise<void>((resolve) => void this.reserving.push(resolve));
    return { requests, operation, block: { first: 1, count, from: 0, operationId: operation.id } };
  }

  async send({ requests }: Reserved): Promise<void> {
    const send = Promise.withResolvers<void>();
    this.sending.push([...requests]);
    this.sends.push(send);
    await send.promise;
  }

  /** Ends the reservation of a batch, which is sent then. */
  async reserved(batch = 0): Promise<void> {
    this.reserving[batch]?.();
    await settle();
  }

  /** Ends the sending of a batch. */
  async sent(batch = 0): Promise<void> {
    for (const request of this.sending[batch] ?? []) request.accept('operation', 1);
    this.sends[batch]?.resolve();
    await settle();
  }

  async failed(batch: number, error: Error): Promise<void> {
    this.sends[batch]?.reject(error);
    await settle();
  }
}

describe('the queue of the intake', () => {
  let clock: ManualClock;
  let sender: ManualSender;
  let gate: SendGate;
  let operations: OpenOperation[];
  let queue: IntakeQueue;

  beforeEach(() => {
    [clock, sender, gate] = [new ManualClock(), new ManualSender(), new SendGate(3)];
    operations = [new OpenOperation('one'), new OpenOperation('two')];
    queue = new IntakeQueue({
      sender,
      currentOperation: async () => operations.find(({ isOver }) => !isOver) as OpenOperation,
      gate,
      clock,
      onError: () => undefined,
      onBatch: () => undefined,
    });
  });

  /** Sends a request for each number of orders. @returns the outcome of the first one */
  async function accept(...sizes: number[]): Promise<{ readonly outcome: Promise<AcceptedOrders> | undefined }> {
    const requests = sizes.map(async (size) => queue.accept(requestOf(size)));
    for (const each of requests) each.catch(() => undefined);
    await settle();
    return { outcome: requests[0] };
  }

  it('collects requests for a few milliseconds', async () => {
    await accept(1, 1, 1);
    await clock.advance(COLLECT_MS - 1);
    expect(sender.batches).toEqual([]);
    await clock.advance(1);
    expect(sender.batches).toEqual([3]);
  });

  it('collects longer while a batch is on its way, and no longer than that batch takes', async () => {
    await accept(1);
    await clock.advance(COLLECT_MS);
    await sender.reserved(0);
    await accept(1);
    await clock.advance(COLLECT_UNDER_LOAD_MS - 1);
    expect(sender.batches).toEqual([1]);
    await clock.advance(1);
    await sender.reserved(1);
    expect(sender.batches).toEqual([1, 1]);
    await accept(1);
    await clock.advance(COLLECT_MS);
    await sender.sent(0);
    await sender.sent(1);
    expect(sender.batches).toEqual([1, 1, 1]);
  });

  it('does not wait once a batch is full, and never splits a request', async () => {
    await accept(600, 600, 400);
    await sender.reserved(0);
    expect(sender.batches).toEqual([600, MAX_BATCH_ORDERS]);
  });

  it('reserves one batch at a time, while others are sent', async () => {
    await accept(MAX_BATCH_ORDERS, MAX_BATCH_ORDERS, MAX_BATCH_ORDERS);
    expect(sender.batches.length).toBe(1);
    await sender.reserved(0);
    expect([sender.batches.length, sender.sending.length]).toEqual([2, 1]);
    await accept(1);
    await clock.advance(100);
    expect(sender.batches.length).toBe(2);
  });

  it('rejects requests beyond its limit, and accepts again later', async () => {
    await accept(...Array.from({ length: MAX_WAITING_ORDERS / MAX_BATCH_ORDERS + 1 }, () => MAX_BATCH_ORDERS));
    const { outcome: refused } = await accept(1);
    await expect(refused).rejects.toMatchObject({ code: 'too-many-waiting' });
    await sender.reserved(0);
    expect(queue.length).toBe(MAX_WAITING_ORDERS - MAX_BATCH_ORDERS);
    await accept(1);
    expect(queue.length).toBe(MAX_WAITING_ORDERS - MAX_BATCH_ORDERS + 1);
  });

  it('refuses requests while the topic gets more partitions, also those that wait, and finishes batches on their way', async () => {
    const { outcome: first } = await accept(MAX_BATCH_ORDERS);
    const { outcome: waiting } = await accept(1);
    const closed = gate.close();
    const { outcome: late } = await accept(1);
    await expect(late).rejects.toMatchObject({ code: 'topic-expands' });
    await clock.advance(COLLECT_MS);
    await sender.reserved(0);
    expect(gate.isClosed).toBe(false);
    await sender.sent(0);
    await expect(waiting).rejects.toMatchObject({ code: 'topic-expands' });
    await Promise.all([first, closed]);
    expect(queue.length).toBe(0);
    gate.open(6);
    await accept(1);
    await clock.advance(COLLECT_MS);
    expect(sender.batches).toEqual([MAX_BATCH_ORDERS, 1]);
  });

  it('responds after a time-out: nothing was accepted before the request is in a batch, then the outcome is unknown', async () => {
    const { outcome: first } = await accept(1);
    await clock.advance(COLLECT_MS);
    const { outcome: second } = await accept(1);
    await clock.advance(REQUEST_TIMEOUT_MS);
    await expect(first).rejects.toMatchObject({ code: 'outcome-unknown' });
    await expect(second).rejects.toMatchObject({ code: 'not-accepted' });
    expect([queue.length, sender.batches]).toEqual([0, [1]]);
  });

  it('lets a repeated request with the same key wait for the first one', async () => {
    const both = [queue.accept(requestOf(2, 'key')), queue.accept(requestOf(2, 'key'))];
    await expect(queue.accept(requestOf(3, 'key'))).rejects.toMatchObject({ code: 'idempotency-key-reused' });
    await clock.advance(COLLECT_MS);
    await sender.reserved();
    await sender.sent();
    const [first, second] = await Promise.all(both);
    expect([sender.batches, second]).toEqual([[2], first]);
  });

  it('sends a batch again when another process has taken over its operation', async () => {
    const { outcome: accepted } = await accept(1);
    await clock.advance(COLLECT_MS);
    await sender.reserved(0);
    await sender.failed(0, new OperationOverError('over'));
    expect([sender.batches, operations[0]?.isOver]).toEqual([[1, 1], true]);
    await sender.reserved(1);
    await sender.sent(1);
    expect((await accepted)?.items.length).toBe(1);
  });

  it('settles accepted requests before it closes, and accepts no others', async () => {
    const { outcome: accepted } = await accept(1);
    let isClosed = false;
    const closed = queue.close().then(() => (isClosed = true));
    const { outcome: late } = await accept(1);
    await expect(late).rejects.toMatchObject({ code: 'not-accepted' });
    await clock.advance(COLLECT_MS);
    await sender.reserved();
    expect(isClosed).toBe(false);
    await sender.sent();
    await Promise.all([accepted, closed]);
  });
});
