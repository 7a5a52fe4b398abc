import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Counter, Gauge, Histogram, register, type Registry } from 'prom-client';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Leases } from '../background/operation-leases.js';
import { Operations } from '../operations/operations.js';
import { Acknowledgements, BatchSender, IntakeTopic } from './batch-sender.js';
import { IntakeClosing } from './intake-closing.js';
import { type IntakeLease, IntakeOperations, RECEIVING } from './intake-operations.js';
import { IntakeQueue, MAX_BATCH_ORDERS } from './intake-queue.js';
import { MongoIntakeStore } from './intake-store.js';
import type { AcceptedOrders, OrdersRequest } from './orders-request.js';

/** Creates the metrics of `POST /v1/orders`. @param waiting returns the number of orders that are in no batch yet */
export function measureIntake(registry: Registry, waiting: () => number) {
  const registers = [registry];
  const requests = new Counter({
    name: 'producer_intake_requests_total',
    help: 'Requests of POST /v1/orders with valid orders; outcome is accepted or failed',
    labelNames: ['outcome'],
    registers,
  });
  const orders = new Counter({
    name: 'producer_intake_orders_total',
    help: 'Orders that POST /v1/orders accepted: Kafka has them on all in-sync replicas',
    registers,
  });
  const batches = new Histogram({
    name: 'producer_intake_batch_orders',
    help: 'Orders in a batch: requests within a few milliseconds share one',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
    registers,
  });
  const durations = new Histogram({
    name: 'producer_intake_duration_seconds',
    help: 'Time from a valid request of POST /v1/orders to the acknowledgement of all its orders',
    buckets: [0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const gauge: Gauge = new Gauge({
    name: 'producer_intake_waiting_orders',
    help: 'Orders of POST /v1/orders that are in no batch yet',
    registers,
    collect: () => gauge.set(waiting()),
  });
  return {
    batch: (size: number): void => batches.observe(size),
    accepted: (count: number, milliseconds: number): void => {
      requests.inc({ outcome: 'accepted' });
      orders.inc(count);
      durations.observe(milliseconds / 1_000);
    },
    refused: (): void => requests.inc({ outcome: 'failed' }),
  };
}

/** How long a stop waits for accepted requests, and then for the operation to be closed, in ms. */
const DRAIN_TIMEOUT_MS = timeLimit(8_000);
const CLOSE_TIMEOUT_MS = timeLimit(3_000);

/** Accepts orders: numbers them, sends them to Kafka, and responds once all in-sync replicas have them. */
@Injectable()
export class Intake implements BeforeApplicationShutdown {
  private readonly logger = new Logger('intake');
  private readonly operations: IntakeOperations;
  private readonly acknowledgements: Acknowledgements;
  private readonly queue: IntakeQueue;
  private readonly metrics = measureIntake(register, () => this.queue.length);

  constructor(
    mongo: Mongo,
    operations: Operations,
    leases: Leases,
    store: MongoIntakeStore,
    private readonly topic: IntakeTopic,
    closing: IntakeClosing,
  ) {
    const now = (): Date => mongo.time.now();
    this.operations = new IntakeOperations({
      open: async () => openOperation(operations, leases),
      finish: async (lease) => closing.finish(lease),
      figures: async (id) => store.figures(id),
      now,
      clock: systemClock,
    });
    this.acknowledgements = new Acknowledgements(store, systemClock, (error) =>
      this.logger.warn({ reason: String(error) }, 'cannot mark batches as acknowledged, retrying'),
    );
    const sender = new BatchSender({
      store,
      topic,
      acknowledgements: this.acknowledgements,
      clock: systemClock,
      now,
      untilDone: (operation, what, work) => this.operations.untilDone(operation, what, work),
    });
    this.queue = new IntakeQueue({
      sender,
      currentOperation: async () => this.operations.open(),
      gate: topic.gate,
      clock: systemClock,
      onError: (error) => this.logger.warn({ reason: String(error) }, 'batch failed'),
      onBatch: (orders) => this.metrics.batch(orders),
    });
  }

  /** As `IntakeQueue.accept`. */
  async accept(request: OrdersRequest): Promise<AcceptedOrders> {
    const since = performance.now();
    try {
      const accepted = await this.queue.accept(request);
      this.metrics.accepted(accepted.items.length, performance.now() - since);
      return accepted;
    } catch (error) {
      this.metrics.refused();
      throw error;
    }
  }

  /** Settles the accepted requests, then closes the operation. What it can't close in time, the next process does. */
  async beforeApplicationShutdown(): Promise<void> {
    await succeededWithin(systemClock, DRAIN_TIMEOUT_MS, this.queue.close());
    this.acknowledgements.close();
    const closed = this.acknowledgements.flush().then(async () => this.operations.close());
    await succeededWithin(systemClock, CLOSE_TIMEOUT_MS, closed);
    await this.topic.close();
  }
}

async function openOperation(operations: Operations, leases: Leases): Promise<IntakeLease> {
  const operation = await operations.createIntake(leases.create(), MAX_BATCH_ORDERS);
  const { receiving } = operation;
  if (receiving === null) throw new Error('a new operation must receive orders');
  return leases.hold(RECEIVING, operation, receiving);
}
