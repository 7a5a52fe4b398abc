import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { SendGate } from '../expansion/send-gate.js';
import type { BatchSender, Reserved } from './batch-sender.js';
import { OperationOverError } from './batch-sender.js';
import {
  COLLECT_MS,
  COLLECT_UNDER_LOAD_MS,
  IntakeQueue,
  MAX_BATCH_ORDERS,
  MAX_WAITING_ORDERS,
  REQUEST_TIMEOUT_MS,
} from './intake-queue.js';
import { OpenOperation } from './open-operation.js';
import { createRequest, type OrdersRequest } from './orders-request.js';
import { ordersIn, type PendingRequest } from './pending-request.js';

const ORDER = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 1, price: 1n, currency: 'USD' } as const;

function request(count = 1, key?: string): OrdersRequest {
  return createRequest(
    Array.from({ length: count }, () => ORDER),
    { caller: undefined, key, isArray: true },
  );
}

/** A sender whose steps the spec completes. */
class ManualSender implements Pick<BatchSender, 'reserve' | 'send'> {
  /** The sizes of the batches that are reserved, or being reserved. */
  readonly batches: number[] = [];
  readonly reserving: (() => void)[] = [];
  readonly sending: { accept: () => void; fail: (error: Error) => void }[] = [];

  async reserve(requests: readonly PendingRequest[], operation: OpenOperation): Promise<Reserved> {
    const count = ordersIn(requests);
    this.batches.push(count);
    await new Promise<void>((resolve) => void this.reserving.push(resolve));
    return { requests, operation, block: { first: 1, count, from: 0, operationId: operation.id } };
  }

  async send({ requests }: Reserved): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const accept = (): void => {
      for (const each of requests) each.accept('operation', 1);
      resolve();
    };
    this.sending.push({ accept, fail: reject });
    await promise;
  }
}

function createQueue() {
  const [clock, sender, gate] = [new ManualClock(), new ManualSender(), new SendGate(3)];
  const operations = [new OpenOperation('one'), new OpenOperation('two')];
  const queue = new IntakeQueue({
    sender,
    currentOperation: async () => Promise.resolve(operations.find(({ isOver }) => !isOver) as OpenOperation),
    gate,
    clock,
    onError: () => undefined,
    onBatch: () => undefined,
  });
  return { clock, sender, gate, queue, operations };
}

describe('the queue of the intake', () => {
  it('collects requests for a few milliseconds', async () => {
    const { clock, sender, queue } = createQueue();
    for (let at = 0; at < 3; at += 1) void queue.accept(request());
    await clock.advance(COLLECT_MS - 1);
    expect(sender.batches).toEqual([]);
    await clock.advance(1);
    expect(sender.batches).toEqual([3]);
  });

  it('collects longer while a batch is on its way, and no longer than that batch takes', async () => {
    const { clock, sender, queue } = createQueue();
    void queue.accept(request());
    await clock.advance(COLLECT_MS);
    sender.reserving[0]?.();
    void queue.accept(request());
    await clock.advance(COLLECT_UNDER_LOAD_MS - 1);
    expect(sender.batches).toEqual([1]);
    await clock.advance(1);
    sender.reserving[1]?.();
    expect(sender.batches).toEqual([1, 1]);
    void queue.accept(request());
    await clock.advance(COLLECT_MS);
    for (const { accept } of sender.sending) accept();
    await settle();
    expect(sender.batches).toEqual([1, 1, 1]);
  });

  it('does not wait once a batch is full, and never splits a request', async () => {
    const { sender, queue } = createQueue();
    for (const size of [600, 600, 400]) void queue.accept(request(size));
    await settle();
    sender.reserving[0]?.();
    await settle();
    expect(sender.batches).toEqual([600, MAX_BATCH_ORDERS]);
  });

  it('reserves one batch at a time, while others are sent', async () => {
    const { clock, sender, queue } = createQueue();
    for (let at = 0; at < 3; at += 1) void queue.accept(request(MAX_BATCH_ORDERS));
    await settle();
    expect(sender.batches.length).toBe(1);
    sender.reserving[0]?.();
    await settle();
    expect([sender.batches.length, sender.sending.length]).toEqual([2, 1]);
    void queue.accept(request());
    await clock.advance(100);
    expect(sender.batches.length).toBe(2);
  });

  it('rejects requests beyond its limit, and accepts again later', async () => {
    const { clock, sender, queue } = createQueue();
    for (let at = 0; at <= MAX_WAITING_ORDERS / MAX_BATCH_ORDERS; at += 1)
      queue.accept(request(MAX_BATCH_ORDERS)).catch(() => undefined);
    await settle();
    await expect(queue.accept(request())).rejects.toMatchObject({ code: 'too-many-waiting' });
    sender.reserving[0]?.();
    await settle();
    expect(queue.length).toBe(MAX_WAITING_ORDERS - MAX_BATCH_ORDERS);
    void queue.accept(request()).catch(() => undefined);
    await clock.advance(REQUEST_TIMEOUT_MS);
  });

  it('refuses requests while the topic gets more partitions, also those that wait, and finishes batches on their way', async () => {
    const { clock, sender, gate, queue } = createQueue();
    const first = queue.accept(request(MAX_BATCH_ORDERS));
    await settle();
    const waiting = queue.accept(request());
    const closed = gate.close();
    await expect(queue.accept(request())).rejects.toMatchObject({ code: 'topic-expands' });
    const refused = waiting.catch((error: unknown) => error);
    await clock.advance(COLLECT_MS);
    sender.reserving[0]?.();
    await settle();
    expect(gate.isClosed).toBe(false);
    sender.sending[0]?.accept();
    expect(await refused).toMatchObject({ code: 'topic-expands' });
    await Promise.all([first, closed]);
    expect(queue.length).toBe(0);
    gate.open(6);
    void queue.accept(request());
    await clock.advance(COLLECT_MS);
    expect(sender.batches).toEqual([MAX_BATCH_ORDERS, 1]);
  });

  it('responds after a time-out: nothing was accepted before the request is in a batch, then the outcome is unknown', async () => {
    const { clock, sender, queue } = createQueue();
    const first = queue.accept(request());
    first.catch(() => undefined);
    await clock.advance(COLLECT_MS);
    const second = queue.accept(request());
    second.catch(() => undefined);
    await clock.advance(REQUEST_TIMEOUT_MS);
    await expect(first).rejects.toMatchObject({ code: 'outcome-unknown' });
    await expect(second).rejects.toMatchObject({ code: 'not-accepted' });
    expect([queue.length, sender.batches]).toEqual([0, [1]]);
  });

  it('lets a repeated request with the same key wait for the first one', async () => {
    const { clock, sender, queue } = createQueue();
    const both = [queue.accept(request(2, 'key')), queue.accept(request(2, 'key'))];
    await expect(queue.accept(request(3, 'key'))).rejects.toMatchObject({ code: 'idempotency-key-reused' });
    await clock.advance(COLLECT_MS);
    sender.reserving[0]?.();
    await settle();
    sender.sending[0]?.accept();
    const [first, second] = await Promise.all(both);
    expect([sender.batches, second]).toEqual([[2], first]);
  });

  it('sends a batch again when another process has taken over its operation', async () => {
    const { clock, sender, queue, operations } = createQueue();
    const accepted = queue.accept(request());
    await clock.advance(COLLECT_MS);
    sender.reserving[0]?.();
    await settle();
    sender.sending[0]?.fail(new OperationOverError('over'));
    await settle();
    expect([sender.batches, operations[0]?.isOver]).toEqual([[1, 1], true]);
    sender.reserving[1]?.();
    await settle();
    sender.sending[1]?.accept();
    expect((await accepted).items.length).toBe(1);
  });

  it('settles accepted requests before it closes, and accepts no others', async () => {
    const { clock, sender, queue } = createQueue();
    const accepted = queue.accept(request());
    let isClosed = false;
    const closed = queue.close().then(() => (isClosed = true));
    await expect(queue.accept(request())).rejects.toMatchObject({ code: 'not-accepted' });
    await clock.advance(COLLECT_MS);
    sender.reserving[0]?.();
    await settle();
    expect(isClosed).toBe(false);
    sender.sending[0]?.accept();
    await Promise.all([accepted, closed]);
  });
});
