import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ImportRowsMissingError } from '#orders/operation/import-rows.js';
import { orderSource } from '#orders/operation/order-source.js';
import { pause, systemClock } from '@orders-pipeline/clock';
import { RecordsRejectedError } from '@orders-pipeline/parallel-consumer';
import { Mongo } from '#service/mongodb/mongo.js';
import { HeldLease } from '../background/held-lease.js';
import { Interruptions } from '../background/interruptions.js';
import { LeaseLostError } from '../background/lease.js';
import { WakeUp } from '../background/wake-up.js';
import { WorkLoop } from '../background/work-loop.js';
import { emit } from './emission.js';
import { LagCeiling } from './lag-ceiling.js';
import { OrdersTopic } from './orders-topic.js';
import { ProgressSaver } from './progress-saver.js';
import { SegmentLeases, type Claim, type SegmentProgress } from './segment-leases.js';

/** Interval between attempts to store the result of an emission while MongoDB is unavailable, in ms. */
const STORE_RETRY_MS = 1_000;

/** `waiting`: the runner holds a segment and waits until the consumers have caught up. */
export type EmissionState = 'idle' | 'emitting' | 'waiting';

/**
 * Emits the segments of running operations one after another, including segments of crashed processes. So a populate survives
 * any restart, and several producers share the work.
 */
@Injectable()
export class OperationRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(OperationRunner.name);
  private readonly owner = randomUUID();
  private readonly loop: WorkLoop<Claim>;
  private currentState: EmissionState = 'idle';

  constructor(
    private readonly leases: SegmentLeases,
    private readonly interruptions: Interruptions,
    private readonly topic: OrdersTopic,
    private readonly ceiling: LagCeiling,
    private readonly mongo: Mongo,
    private readonly wakeUp: WakeUp,
  ) {
    const work = {
      claim: async () => this.claim(),
      do: async (claim: Claim) => this.emit(claim),
      idle: async () => this.settle(),
    };
    this.loop = new WorkLoop(work, wakeUp, systemClock);
  }

  get state(): EmissionState {
    return this.currentState;
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    // While Kafka is unavailable, the current chunk is retried forever; closing the topic ends that after two seconds.
    await Promise.all([this.loop.stop(), this.topic.close()]);
  }

  private async claim(): Promise<Claim | null> {
    try {
      return await this.leases.claim(this.owner);
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'cannot read operations, retrying');
      return null;
    }
  }

  /** Settles operations. If it fails, the next idle poll of any process does it. */
  private async settle(): Promise<void> {
    await this.interruptions
      .settle()
      .catch((error: unknown) => this.logger.warn({ reason: String(error) }, 'cannot settle operations, retrying'));
  }

  private async emit(claim: Claim): Promise<void> {
    const { operation, segment } = claim;
    const id = operation._id;
    this.currentState = 'emitting';
    this.logger.log({ operation: id, from: segment.ackedTo, to: segment.to, count: operation.count }, 'emitting');
    const lease = new HeldLease(
      async () => this.leases.renew(claim),
      (error) => this.logger.warn({ operation: id, reason: String(error) }, 'cannot renew the lease, retrying'),
      this.wakeUp,
    );
    const saver = new ProgressSaver(
      async (progress, chunks) => lease.note(await this.leases.saveProgress(claim, progress, chunks)),
      systemClock,
    );
    try {
      const progress = await emit({
        operation,
        segment,
        source: orderSource(operation, this.mongo.db),
        topic: this.topic,
        ceiling: this.ceiling,
        now: () => this.mongo.time.now(),
        signal: AbortSignal.any([this.loop.signal, lease.over]),
        onProgress: (now, chunk) => saver.note(now, chunk),
        onWaiting: async (isWaiting) => {
          this.currentState = isWaiting ? 'waiting' : 'emitting';
          await this.leases.waitFor(claim, isWaiting ? 'consumers' : null);
        },
      });
      await this.release(claim, progress, saver);
    } catch (error) {
      await this.handleFailure(claim, error, saver);
    } finally {
      lease.stop();
      this.currentState = 'idle';
    }
  }

  private async release(claim: Claim, progress: SegmentProgress, saver: ProgressSaver): Promise<void> {
    const { goesOn } = await this.persist(async () => this.leases.release(claim, progress, await saver.finish()));
    const { _id: operation } = claim.operation;
    this.logger.log({ operation, from: claim.segment.from, ackedTo: progress.ackedTo }, 'segment released');
    if (!goesOn) await this.settle();
  }

  private async handleFailure(claim: Claim, error: unknown, saver: ProgressSaver): Promise<void> {
    const id = claim.operation._id;
    if (error instanceof LeaseLostError) return this.logger.warn({ operation: id }, error.message);
    const isStopping = this.loop.signal.aborted;
    const failure = isPermanent(error) ? { code: error.code, message: error.message } : undefined;
    const context = { operation: id, reason: String(error) };
    if (failure !== undefined) this.logger.error(context, 'operation failed');
    else if (isStopping) this.logger.warn(context, 'emission interrupted by shutdown, continues later');
    else this.logger.error(context, 'emission failed, retrying');
    try {
      if (failure === undefined) return await this.releaseProgress(claim, saver);
      await this.saveReached(claim, saver);
      await this.persist(() => this.leases.fail(claim, failure));
    } catch (unstored) {
      // The lease expires, and the next process to claim the segment continues after the last stored chunk.
      this.logger.warn({ operation: id, reason: String(unstored) }, 'cannot store the result of the emission');
    }
  }

  /** Stores the acknowledged progress of a failed operation. */
  private async saveReached(claim: Claim, saver: ProgressSaver): Promise<void> {
    const progress = saver.reached;
    if (progress === undefined) return;
    await this.persist(async () => this.leases.saveProgress(claim, progress, await saver.finish()));
  }

  /**
   * Stores what was acknowledged and releases the lease at once, so that any process can continue.
   * Otherwise nothing is emitted until the lease expires.
   */
  private async releaseProgress(claim: Claim, saver: ProgressSaver): Promise<void> {
    const release = async () => this.leases.release(claim, saver.reached ?? claim.segment, await saver.finish());
    if (this.loop.signal.aborted) {
      await release();
      return;
    }
    // Back off: the cause of the failure may still be present.
    await pause(systemClock, STORE_RETRY_MS);
    await this.persist(release);
  }

  /** Retries a store until it succeeds, the lease is lost or the process stops. */
  private async persist<T>(store: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await store();
      } catch (error) {
        if (error instanceof LeaseLostError || this.loop.signal.aborted) throw error;
        this.logger.warn({ reason: String(error) }, 'cannot store the operation, retrying');
        await pause(systemClock, STORE_RETRY_MS);
      }
    }
  }
}

/** Whether a retry cannot succeed: Kafka rejects the records, or the orders are missing. */
function isPermanent(error: unknown): error is RecordsRejectedError | ImportRowsMissingError {
  return error instanceof RecordsRejectedError || error instanceof ImportRowsMissingError;
}
