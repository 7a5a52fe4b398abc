import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { register } from 'prom-client';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import { Leases } from '../background/leases.js';
import { Operations } from '../operations/operations.js';
import { Acknowledgements } from './acknowledgements.js';
import { BatchSender } from './batch-sender.js';
import { BlockRecovery } from './block-recovery.js';
import { IntakeClosing, RECEIVING } from './intake-closing.js';
import { measureIntake, type IntakeObserver } from './intake-metrics.js';
import { IntakeOperations, type IntakeLease } from './intake-operations.js';
import { IntakeQueue, MAX_BATCH_ORDERS } from './intake-queue.js';
import { IntakeTopic } from './intake-topic.js';
import { MongoIntakeStore } from './mongo-intake-store.js';
import type { OrdersRequest } from './orders-request.js';
import type { Accepted } from './pending-request.js';
import { RepeatedRequests } from './repeated-requests.js';
import { timeLimit } from '#orders/time-limit.js';

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
  private readonly observer: IntakeObserver;

  constructor(
    mongo: Mongo,
    operations: Operations,
    leases: Leases,
    store: MongoIntakeStore,
    private readonly topic: IntakeTopic,
    recovery: BlockRecovery,
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
      repeats: new RepeatedRequests(store, systemClock),
      recovery,
      acknowledgements: this.acknowledgements,
      now,
      untilDone: (operation, what, work) => this.operations.untilDone(operation, what, work),
    });
    this.queue = new IntakeQueue({
      sender,
      currentOperation: async () => this.operations.open(),
      gate: topic.gate,
      clock: systemClock,
      onError: (error) => this.logger.warn({ reason: String(error) }, 'batch failed'),
      onBatch: (orders) => this.observer.batch(orders),
    });
    this.observer = measureIntake(register, () => this.queue.length);
  }

  /** As `IntakeQueue.accept`. */
  async accept(request: OrdersRequest): Promise<Accepted> {
    const since = performance.now();
    try {
      const accepted = await this.queue.accept(request);
      this.observer.accepted(accepted.items.length, performance.now() - since);
      return accepted;
    } catch (error) {
      this.observer.refused();
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
