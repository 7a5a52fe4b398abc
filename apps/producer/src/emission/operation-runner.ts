import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ImportRowsGoneError } from '#orders/import-rows.js';
import { orderSource } from '#orders/order-source.js';
import { pause, systemClock } from '#parallel-consumer/clock.js';
import { RecordsRefusedError } from '#parallel-consumer/records/records-refused.js';
import { Mongo } from '#service/mongo.js';
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

/** How often to try again to store how an emission ended, while MongoDB is away. */
const STORE_AGAIN_MS = 1_000;

/** `waiting`: it has a segment, and holds it back until the consumers have caught up. */
export type EmissionState = 'idle' | 'emitting' | 'waiting';

/**
 * Emits the segments of running operations one after another, those that a crashed process left behind included: a populate
 * survives any restart by itself, and several producers share the work.
 */
@Injectable()
export class OperationRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(OperationRunner.name);
  private readonly owner = randomUUID();
  private readonly loop: WorkLoop<Claim>;
  private doing: EmissionState = 'idle';

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

  /** What it does now. */
  get state(): EmissionState {
    return this.doing;
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    // While Kafka is away a chunk in hand would be sent for ever: closing ends that, after a moment of patience.
    await Promise.all([this.loop.stop(), this.topic.close()]);
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

  private async emit(claim: Claim): Promise<void> {
    const { operation, segment } = claim;
    const id = operation._id;
    this.doing = 'emitting';
    this.logger.log({ operation: id, from: segment.ackedTo, to: segment.to, count: operation.count }, 'emitting');
    const lease = new HeldLease(
      async () => this.leases.renew(claim),
      (error) => this.logger.warn({ operation: id, reason: String(error) }, 'a lease is not renewed: trying again'),
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
          this.doing = isWaiting ? 'waiting' : 'emitting';
          await this.leases.waitFor(claim, isWaiting ? 'consumers' : null);
        },
      });
      await this.letGo(claim, progress, saver);
    } catch (error) {
      await this.failed(claim, error, saver);
    } finally {
      lease.stop();
      this.doing = 'idle';
    }
  }

  private async letGo(claim: Claim, progress: SegmentProgress, saver: ProgressSaver): Promise<void> {
    const { goesOn } = await this.persist(async () => this.leases.release(claim, progress, await saver.finish()));
    const { _id: operation } = claim.operation;
    this.logger.log({ operation, from: claim.segment.from, ackedTo: progress.ackedTo }, 'let go');
    if (!goesOn) await this.settle();
  }

  private async failed(claim: Claim, error: unknown, saver: ProgressSaver): Promise<void> {
    const id = claim.operation._id;
    if (error instanceof LeaseLostError) return this.logger.warn({ operation: id }, error.message);
    const isStopping = this.loop.signal.aborted;
    const failure = isForGood(error) ? { code: error.code, message: error.message } : undefined;
    const context = { operation: id, reason: String(error) };
    if (failure !== undefined) this.logger.error(context, 'the operation has failed');
    else if (isStopping) this.logger.warn(context, 'cut off: goes on later');
    else this.logger.error(context, 'the emission broke off: it goes on in a moment');
    try {
      if (failure === undefined) return await this.handOver(claim, saver);
      await this.keepReached(claim, saver);
      await this.persist(() => this.leases.fail(claim, failure));
    } catch (unstored) {
      // The lease runs out, and whoever claims it next goes on from the last stored chunk.
      this.logger.warn({ operation: id, reason: String(unstored) }, 'how it ended could not be stored');
    }
  }

  /** What was acknowledged counts, however the emission ended. */
  private async keepReached(claim: Claim, saver: ProgressSaver): Promise<void> {
    const progress = saver.reached;
    if (progress === undefined) return;
    await this.persist(async () => this.leases.saveProgress(claim, progress, await saver.finish()));
  }

  /**
   * Stores what was acknowledged, and lets whoever is first go on as soon as that can be stored: while a lease runs on that nobody
   * works under, nothing is emitted.
   */
  private async handOver(claim: Claim, saver: ProgressSaver): Promise<void> {
    const release = async () => this.leases.release(claim, saver.reached ?? claim.segment, await saver.finish());
    if (this.loop.signal.aborted) {
      await release();
      return;
    }
    // Whatever broke it off may do so again at once.
    await pause(systemClock, STORE_AGAIN_MS);
    await this.persist(release);
  }

  /** Ends must be stored, also when MongoDB is away for a while. */
  private async persist<T>(store: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await store();
      } catch (error) {
        if (error instanceof LeaseLostError || this.loop.signal.aborted) throw error;
        this.logger.warn({ reason: String(error) }, 'an operation can not be stored: trying again');
        await pause(systemClock, STORE_AGAIN_MS);
      }
    }
  }
}

/** Trying again gives the same: Kafka refuses the records, or the orders are gone. */
function isForGood(error: unknown): error is RecordsRefusedError | ImportRowsGoneError {
  return error instanceof RecordsRefusedError || error instanceof ImportRowsGoneError;
}
