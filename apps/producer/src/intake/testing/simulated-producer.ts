import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { Order } from '#orders/order/order.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement } from '@orders-pipeline/parallel-consumer/kafkajs';
import { SendGate } from '../../expansion/send-gate.js';
import { Acknowledgements } from '../acknowledgements.js';
import { BatchSender } from '../batch-sender.js';
import { BlockRecovery, type BatchTopic } from '../block-recovery.js';
import { IntakeQueue } from '../intake-queue.js';
import type { IntakeStore } from '../intake-store.js';
import { OpenOperation } from '../open-operation.js';
import type { OrdersRequest } from '../orders-request.js';
import type { Accepted } from '../pending-request.js';
import { RepeatedRequests } from '../repeated-requests.js';
import type { FakeIntakeStore } from './fake-intake-store.js';

/**
 * What happens to a call of the store or of Kafka.
 * - `lost`: it fails without effect; `unanswered`: it takes effect, and fails
 * - `killed`: the process ends before the call; `killed-after`: it ends after the call took effect
 * - `hung`: the process hangs before the call, and continues after others have recovered its work
 */
export const FATES = ['fine', 'lost', 'unanswered', 'killed', 'killed-after', 'hung'] as const;
export type Fate = (typeof FATES)[number];

const PARTITIONS = 3;

/** The topic: the orders on it, also repeated ones. */
export class SimulatedTopic implements BatchTopic {
  readonly orders: Order[] = [];
  readonly gate = new SendGate(PARTITIONS);

  intakeRecord(order: Order): OutgoingRecord {
    const value = Buffer.from(
      JSON.stringify(order, (_name, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)),
    );
    return { partition: order.accountId.length % this.gate.partitions, key: order.accountId, value, headers: {} };
  }

  async decode(value: Buffer): Promise<Order> {
    const read = JSON.parse(value.toString()) as Order;
    const [price, amount] = [read.price, read.amount].map((money) => BigInt(String(money).slice(0, -1)));
    return Promise.resolve({ ...read, price: price ?? 0n, amount: amount ?? 0n, createdAt: new Date(read.createdAt) });
  }

  async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    for (const { value } of records) this.orders.push(await this.decode(value as Buffer));
    return [{ partition: 0, records: records.length, baseOffset: 0 }];
  }
}

const now = (): Date => new Date(1_000);
const NEVER = new Promise<never>(() => undefined);

/** A producer whose calls have the given fates, one after another; then all are fine. */
export class SimulatedProducer {
  readonly operation: OpenOperation;
  readonly clock = new ManualClock();
  private readonly queue: IntakeQueue;
  private readonly work: Promise<void>[] = [];
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
    const uncertainStore = this.uncertain<IntakeStore>(store);
    const remote = this.uncertain(topic);
    const uncertainTopic: BatchTopic = {
      gate: topic.gate,
      intakeRecord: (order) => topic.intakeRecord(order),
      decode: async (value) => topic.decode(value),
      send: async (records) => remote.send(records),
    };
    const acknowledgements = new Acknowledgements(uncertainStore, this.clock, () => undefined);
    const recovery = new BlockRecovery(uncertainStore, uncertainTopic, now);
    const sender = new BatchSender({
      store: uncertainStore,
      topic: uncertainTopic,
      repeats: new RepeatedRequests(uncertainStore, this.clock),
      recovery,
      acknowledgements,
      now,
      untilDone: (_operation, _what, work) => this.work.push(this.untilDone(work)),
    });
    this.queue = new IntakeQueue({
      sender,
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

  async accept(request: OrdersRequest): Promise<Accepted> {
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
    for (let done = false; !done && !this.isDead;) {
      done = await work().then(
        () => true,
        () => false,
      );
      if (!done) await new Promise<void>((resolve) => void this.clock.after(500, resolve));
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
