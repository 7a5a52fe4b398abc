import { type Clock, pause } from '@orders-pipeline/clock';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement } from '@orders-pipeline/parallel-consumer/kafkajs';
import { type IntakeBatch, unpackOrders } from '#orders/numbering/intake-batches.js';
import type { IntakeOrder } from '#orders/order/intake-order.js';
import { contentHash } from '#orders/order/order-content.js';
import type { Order } from '#orders/order/order.js';
import { anOrder } from '#orders/testing/an-order.js';
import { SendGate } from '../../publishing/send-gate.js';
import { Acknowledgements, BatchSender, type BatchTopic, BlockRecovery } from '../batch-sender.js';
import { OpenOperation } from '../intake-operations.js';
import { IntakeQueue } from '../intake-queue.js';
import type { IntakeStore } from '../intake-store.js';
import { type AcceptedOrders, createRequest, type OrdersRequest } from '../orders-request.js';
import { FakeIntakeStore } from './intake-store.js';

/**
 * What happens to a call of the store or of Kafka.
 * - `lost`: it fails without effect; `unanswered`: it takes effect, and fails
 * - `killed`: the process ends before the call; `killed-after`: it ends after the call took effect
 * - `hung`: the process hangs before the call, and continues after others have recovered its work
 */
export const FATES = ['fine', 'lost', 'unanswered', 'killed', 'killed-after', 'hung'] as const;
export type Fate = (typeof FATES)[number];

/** The topic: the orders on it, also repeated ones. */
export class SimulatedTopic implements BatchTopic {
  readonly orders: Order[] = [];
  readonly gate = new SendGate(3);
  /** The trace context that each record was encoded with. */
  readonly parents: (string | undefined)[] = [];
  /** A value is the index of an order here. */
  private readonly encoded: Order[] = [];

  encodeReceived(order: Order, _origin?: object, parent?: string): OutgoingRecord {
    this.parents.push(parent);
    const value = Buffer.from(String(this.encoded.push(order) - 1));
    return { partition: order.accountId.length % this.gate.partitions, key: order.accountId, value, headers: {} };
  }

  async decode(value: Buffer): Promise<Order> {
    return this.encoded[Number(value)] as Order;
  }

  async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    for (const { value } of records) this.orders.push(await this.decode(value as Buffer));
    return [{ partition: 0, records: records.length, baseOffset: 0 }];
  }
}

/** The time when batches are stored. */
export const now = (): Date => new Date(1_000);

/** Returns a request of so many different orders. */
export function requestOf(count: number, key?: string): OrdersRequest {
  const orders = Array.from({ length: count }, (_, at): IntakeOrder => {
    const {
      id: _id,
      number: _number,
      amount: _amount,
      createdAt,
      ...order
    } = anOrder({
      accountId: `acc-${'x'.repeat(at % 4)}`,
      quantity: 1 + (at % 9),
      price: 10_000n + BigInt(at),
    });
    return at % 2 === 0 ? { ...order, createdAt } : order;
  });
  return createRequest(orders, { caller: 'test', key, isArray: true });
}

/** Creates the part of a producer that sends batches. @param untilDone runs work until it succeeds */
export function createSender(
  store: IntakeStore,
  topic: BatchTopic,
  clock: Clock,
  untilDone: (work: () => Promise<void>) => Promise<void>,
): BatchSender {
  return new BatchSender({
    store,
    topic,
    clock,
    acknowledgements: new Acknowledgements(store, clock, () => undefined),
    now,
    untilDone: (_operation, _what, work) => void untilDone(work),
  });
}

const NEVER = new Promise<never>(() => undefined);

/** A producer whose calls have the given fates, one after another; then all are fine. */
export class SimulatedProducer {
  readonly operation: OpenOperation;
  readonly clock = new ManualClock();
  private readonly queue: IntakeQueue;
  private isDead = false;
  private hasHung = false;
  private resume: () => void = () => undefined;
  private hanging: Promise<void> | undefined;

  constructor(
    id: string,
    store: FakeIntakeStore,
    topic: SimulatedTopic,
    private readonly fates: Fate[],
  ) {
    this.operation = new OpenOperation(id);
    const uncertainTopic: BatchTopic = {
      gate: topic.gate,
      encodeReceived: (order) => topic.encodeReceived(order),
      decode: async (value) => topic.decode(value),
      send: async (records) => this.call(async () => topic.send(records)) as Promise<Acknowledgement[]>,
    };
    this.queue = new IntakeQueue({
      sender: createSender(this.uncertain<IntakeStore>(store), uncertainTopic, this.clock, (work) =>
        this.untilDone(work),
      ),
      currentOperation: async () => Promise.resolve(this.operation),
      gate: topic.gate,
      clock: this.clock,
      onError: () => undefined,
      onBatch: () => undefined,
    });
  }

  /** Whether it has neither ended nor hung, whatever else has failed. */
  get isUnharmed(): boolean {
    return !this.isDead && !this.hasHung;
  }

  async accept(request: OrdersRequest): Promise<AcceptedOrders> {
    return this.queue.accept(request);
  }

  /** Continues after it hung. */
  async wake(): Promise<void> {
    this.hanging = undefined;
    this.resume();
    await this.run();
  }

  /** Lets time pass, until nothing happens any more. */
  async run(): Promise<void> {
    for (let second = 0; second < 15; second += 1) await this.clock.advance(1_000);
    await settle();
  }

  private async untilDone(work: () => Promise<void>): Promise<void> {
    for (let isDone = false; !isDone && !this.isDead;) {
      isDone = await work().then(
        () => true,
        () => false,
      );
      if (!isDone) await pause(this.clock, 500);
    }
  }

  /** Returns the target; each call of it has the next fate. */
  private uncertain<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, name) => {
        const method = Reflect.get(object, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => this.call(async () => method.apply(object, args));
      },
    });
  }

  private async call(run: () => Promise<unknown>): Promise<unknown> {
    await this.hanging;
    if (this.isDead) return NEVER;
    const fate = this.fates.shift() ?? 'fine';
    if (fate === 'hung') {
      this.hasHung = true;
      this.hanging ??= new Promise<void>((resolve) => (this.resume = resolve));
      await this.hanging;
    }
    if (fate === 'killed') this.isDead = true;
    if (fate === 'lost') throw new Error('the connection was closed');
    if (this.isDead) return NEVER;
    const result = await run();
    if (fate === 'killed-after') this.isDead = true;
    if (fate === 'unanswered') throw new Error('no response');
    return this.isDead ? NEVER : result;
  }
}

/** A request of a client. */
interface PlannedRequest {
  /** The number of orders; a request with a key has a number of its own. */
  readonly size: number;
  readonly key: string | undefined;
  /** The pause after it, in ms. */
  readonly pauseMs: number;
}

interface Sent {
  readonly request: OrdersRequest;
  readonly accepted: AcceptedOrders;
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
      void this.send(producer, requestOf(count, key));
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
