import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { orderSource } from '#orders/order-source.js';
import { succeededWithin, systemClock } from '#parallel-consumer/clock.js';
import { RecordsRefusedError } from '#parallel-consumer/kafka/reliable-producer.js';
import { Mongo } from '#service/mongo.js';
import { Interruptions } from '../operations/interruptions.js';
import { emit } from './emission.js';
import { HeldLease } from './held-lease.js';
import { LagCeiling } from './lag-ceiling.js';
import { OrdersTopic } from './orders-topic.js';
import { ProgressSaver } from './progress-saver.js';
import { LeaseLostError, SegmentLeases, type Claim, type SegmentProgress } from './segment-leases.js';

/** How often to look for work that another process left behind, or has to share. */
const LOOK_AROUND_MS = 1_000;
/** How long a stop waits for the chunk in hand; whoever claims the segment next sends it again. */
const STOP_PATIENCE_MS = 4_000;

/**
 * Emits the segments of running operations one after another, those that a crashed process left behind included: a populate
 * survives any restart by itself, and several producers share the work.
 */
@Injectable()
export class OperationRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(OperationRunner.name);
  private readonly owner = randomUUID();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private lookAtWishes: () => void = () => undefined;

  constructor(
    private readonly leases: SegmentLeases,
    private readonly interruptions: Interruptions,
    private readonly topic: OrdersTopic,
    private readonly ceiling: LagCeiling,
    private readonly mongo: Mongo,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.wake();
    // While Kafka is away a chunk in hand would be sent for ever: closing ends that, after a moment of patience.
    await Promise.all([this.topic.close(), succeededWithin(systemClock, STOP_PATIENCE_MS, this.running)]);
  }

  /** There is a new operation, or something is wanted of one: look at once. */
  kick(): void {
    this.wake();
    this.lookAtWishes();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const claim = await this.claim();
      if (claim !== null) await this.emit(claim);
      else {
        await this.settle();
        await this.lookAround();
      }
    }
  }

  private async claim(): Promise<Claim | null> {
    try {
      return await this.leases.claim(this.owner);
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'operations can not be read: trying again');
      return null;
    }
  }

  /** Whoever looks around next does it, if it fails here. */
  private async settle(): Promise<void> {
    await this.interruptions
      .settle()
      .catch((error: unknown) =>
        this.logger.warn({ reason: String(error) }, 'operations can not be settled: trying again'),
      );
  }

  private async lookAround(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    const timer = new AbortController();
    await Promise.race([woken, sleep(LOOK_AROUND_MS, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }

  private async emit(claim: Claim): Promise<void> {
    const { operation, segment } = claim;
    const id = operation._id;
    this.logger.log({ operation: id, from: segment.ackedTo, to: segment.to, count: operation.count }, 'emitting');
    const lease = new HeldLease(
      async () => this.leases.renew(claim),
      (error) => this.logger.warn({ operation: id, reason: String(error) }, 'a lease is not renewed: trying again'),
    );
    this.lookAtWishes = () => void lease.look();
    const saver = new ProgressSaver(async (progress, chunks) =>
      lease.note(await this.leases.saveProgress(claim, progress, chunks)),
    );
    try {
      const progress = await emit({
        operation,
        segment,
        source: orderSource(operation, this.mongo.db),
        topic: this.topic,
        ceiling: this.ceiling,
        signal: AbortSignal.any([this.stopping.signal, lease.over]),
        onProgress: (now, chunk) => saver.note(now, chunk),
        onWaiting: (isWaiting) => this.leases.waitFor(claim, isWaiting ? 'consumers' : null),
      });
      await this.letGo(claim, progress, saver);
    } catch (error) {
      await this.failed(claim, error);
    } finally {
      this.lookAtWishes = () => undefined;
      lease.stop();
    }
  }

  private async letGo(claim: Claim, progress: SegmentProgress, saver: ProgressSaver): Promise<void> {
    const { goesOn } = await this.persist(() => this.leases.release(claim, progress, saver.pending));
    const { _id: operation } = claim.operation;
    this.logger.log({ operation, from: claim.segment.from, ackedTo: progress.ackedTo }, 'let go');
    if (!goesOn) await this.settle();
  }

  private async failed(claim: Claim, error: unknown): Promise<void> {
    const id = claim.operation._id;
    if (error instanceof LeaseLostError) return this.logger.warn({ operation: id }, error.message);
    if (error instanceof RecordsRefusedError) {
      this.logger.error({ operation: id, code: error.code }, error.message);
      const { code, message } = error;
      return this.persist(() => this.leases.fail(claim, { code, message })).catch((unstored: unknown) =>
        this.logger.warn({ operation: id, reason: String(unstored) }, 'its failure could not be stored'),
      );
    }
    if (this.stopping.signal.aborted)
      return this.logger.warn({ operation: id, reason: String(error) }, 'cut off: goes on later');
    // Nothing is lost by leaving it: the lease runs out, and whoever claims it next goes on from the last stored chunk.
    this.logger.error(
      { operation: id, reason: String(error) },
      'the emission broke off: it goes on when its lease has run out',
    );
  }

  /** Ends must be stored, also when MongoDB is away for a while. */
  private async persist<T>(store: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await store();
      } catch (error) {
        if (error instanceof LeaseLostError || this.stopping.signal.aborted) throw error;
        this.logger.warn({ reason: String(error) }, 'an operation can not be stored: trying again');
        await sleep(LOOK_AROUND_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }
}
