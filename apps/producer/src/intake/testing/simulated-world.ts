import { unpackOrders, type IntakeBatch } from '#orders/operation/intake-batches.js';
import type { IntakeOrder } from '#orders/order/intake-order.js';
import { contentHash } from '#orders/order/order-content.js';
import type { Order } from '#orders/order/order.js';
import { BlockRecovery } from '../block-recovery.js';
import { createRequest, type OrdersRequest } from '../orders-request.js';
import type { Accepted } from '../pending-request.js';
import { FakeIntakeStore } from './fake-intake-store.js';
import { SimulatedTopic, type SimulatedProducer } from './simulated-producer.js';

/** A request of a client. */
export interface PlannedRequest {
  /** The number of orders; a request with a key has a number of its own. */
  readonly size: number;
  readonly key: string | undefined;
  /** The pause after it, in ms. */
  readonly pauseMs: number;
}

interface Sent {
  readonly request: OrdersRequest;
  readonly accepted: Accepted;
}

/** What producers share, and what their clients have seen. */
export class SimulatedWorld {
  readonly store = new FakeIntakeStore();
  readonly topic = new SimulatedTopic();
  readonly sent: Sent[] = [];
  private readonly tooEarly: string[] = [];

  /** Sends requests to a producer, as clients that don't wait for responses. */
  async load(producer: SimulatedProducer, plan: readonly PlannedRequest[]): Promise<void> {
    for (const { size, key, pauseMs } of plan) {
      const count = key === undefined ? size : 1 + (key.charCodeAt(0) % 5);
      const request = createRequest(ordersFor(count), { caller: 'test', key, isArray: true });
      void this.send(producer, request);
      await producer.clock.advance(pauseMs);
    }
    await producer.run();
  }

  /** Does what the next process does for an operation whose producer has crashed. */
  async recover(operationId: string): Promise<void> {
    const recovery = new BlockRecovery(this.store, this.topic, () => new Date(2_000));
    const blocks = (await this.store.unrecorded()).filter((block) => block.operationId === operationId);
    for (const block of blocks) await recovery.settle(block);
    for (const batch of await this.store.findReserved(operationId)) await recovery.resend(batch);
    await this.store.forget(blocks.map(({ first }) => first));
  }

  /** Returns what is wrong; each number and each accepted order is checked. */
  problems(): string[] {
    return [...this.tooEarly, ...this.numberProblems(), ...this.answerProblems()];
  }

  /** Returns the batches that are stored, and not known to be on the topic. */
  unsettled(): number[] {
    return this.store.sorted().flatMap(({ _id, state }) => (state === 'reserved' ? _id : []));
  }

  private async send(producer: SimulatedProducer, request: OrdersRequest): Promise<void> {
    const accepted = await producer.accept(request).catch(() => undefined);
    if (accepted === undefined) return;
    this.sent.push({ request, accepted });
    const onTopic = new Set(this.topic.orders.map(({ id, number }) => `${id} ${number}`));
    for (const { id, number } of accepted.items)
      if (!onTopic.has(`${id} ${number}`)) this.tooEarly.push(`${id} ${number} was accepted, but not on the topic`);
  }

  /** Each number is in one batch, whose orders are all on the topic, or none. */
  private numberProblems(): string[] {
    const onTopic = new Map(this.topic.orders.map((order) => [order.number, order]));
    const problems: string[] = [];
    let next = 1;
    for (const batch of this.store.sorted()) {
      if (batch._id !== next) problems.push(`a batch begins at ${batch._id}, not at ${next}`);
      next = batch._id + batch.count;
      problems.push(...batchProblems(batch, onTopic));
    }
    return next === this.store.highest + 1 ? problems : [...problems, `${next} is in no batch`];
  }

  /** The ids of a response are those of its request; a repeated key has the same numbers. */
  private answerProblems(): string[] {
    const byKey = new Map<string, string>();
    return this.sent.flatMap(({ request, accepted }) => {
      const problems = accepted.items.flatMap(({ id }, at) => (id === request.ids[at] ? [] : `${id} is another order`));
      const [key, answer] = [request.keyed?.key ?? '', JSON.stringify(accepted)];
      if (key !== '' && (byKey.get(key) ?? answer) !== answer) problems.push(`${key} has two answers`);
      byKey.set(key, answer);
      return problems;
    });
  }
}

function batchProblems(batch: IntakeBatch, onTopic: ReadonlyMap<number, Order>): string[] {
  const orders = Array.from({ length: batch.count }, (_, at) => onTopic.get(batch._id + at));
  if (batch.state === 'abandoned')
    return orders.flatMap((order) => (order === undefined ? [] : `${order.number} is abandoned, and on the topic`));
  if (batch.state === 'reserved') return [`the batch ${batch._id} is not settled`];
  return unpackOrders(batch).flatMap(({ id, hash }, at) => {
    const order = orders[at];
    const isSame = order !== undefined && order.id === id && contentHash(order) === hash;
    return isSame ? [] : `${batch._id + at} is not on the topic as it was stored`;
  });
}

function ordersFor(count: number): IntakeOrder[] {
  return Array.from({ length: count }, (_, at) => ({
    accountId: `acc-${'x'.repeat(at % 4)}`,
    side: 'buy',
    symbol: 'ACME',
    quantity: 1 + (at % 9),
    price: 10_000n + BigInt(at),
    currency: 'USD',
    ...(at % 2 === 0 && { createdAt: new Date(5_000) }),
  }));
}
