import { Injectable } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { type Clock, pause } from '@orders-pipeline/clock';
import { RecordsRejectedError } from '@orders-pipeline/parallel-consumer';
import type { AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import { ImportRowsMissingError } from '#orders/imports/import-rows.js';
import { orderSource } from '#orders/operation/order-source.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Interruptions } from '../background/interruptions.js';
import { LeasedJob, WakeUp } from '../background/leased-job.js';
import { LeaseLostError } from '../background/operation-leases.js';
import { LagCeiling, publishSegment } from './publish-segment.js';
import { OrdersTopic } from './orders-topic.js';
import { type SegmentLease, SegmentLeases, type SegmentProgress } from './segment-leases.js';

/** How often progress is stored, in ms. After a crash, records acknowledged since are published again; the consumers deduplicate them. */
const SAVE_EVERY_MS = 250;
/** How long publishing continues during a store, in ms. Then it waits, so that a crash does not repeat too much. */
const MAX_STORE_MS = 1_000;

type Store = (progress: SegmentProgress, chunks: readonly AcknowledgedChunk[]) => Promise<void>;

/**
 * Stores progress every 250 ms rather than after each chunk. The job sends the next chunks while MongoDB makes the progress durable.
 */
export class ProgressSaver {
  private savedAt: number;
  private chunks: AcknowledgedChunk[] = [];
  private saving: Promise<void> | undefined;
  private last: SegmentProgress | undefined;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {
    this.savedAt = clock.now();
  }

  /** Records progress, and stores it when due. @throws the error of an earlier store; its chunks stay pending */
  async note(progress: SegmentProgress, chunk: AcknowledgedChunk): Promise<void> {
    this.last = progress;
    this.chunks.push(chunk);
    const age = this.clock.now() - this.savedAt;
    if (this.saving !== undefined && age >= MAX_STORE_MS) await this.finish();
    if (this.saving === undefined && age >= SAVE_EVERY_MS) this.begin(progress);
  }

  /** Waits for a running store. @returns the chunks that are not stored yet. @throws as `note` */
  async finish(): Promise<readonly AcknowledgedChunk[]> {
    const { saving } = this;
    this.saving = undefined;
    await saving;
    return this.chunks;
  }

  /** The last recorded progress; `undefined` if nothing was acknowledged. */
  get reached(): SegmentProgress | undefined {
    return this.last;
  }

  private begin(progress: SegmentProgress): void {
    const chunks = this.chunks;
    this.chunks = [];
    this.savedAt = this.clock.now();
    const saving = this.keep(progress, chunks);
    // `finish` reports the failure; until then it must not count as an unhandled rejection.
    saving.catch(() => undefined);
    this.saving = saving;
  }

  private async keep(progress: SegmentProgress, chunks: AcknowledgedChunk[]): Promise<void> {
    try {
      await this.store(progress, chunks);
    } catch (error) {
      this.chunks = [...chunks, ...this.chunks];
      throw error;
    }
    this.saving = undefined;
  }
}

/** Interval between attempts to store the result of a segment while MongoDB is unavailable, in ms. */
const STORE_RETRY_MS = 1_000;

/** How many operations with a rate one process publishes at once. */
const MAX_PACED = 20;

/**
 * Publishes the segments of running operations, including segments of crashed processes. So a populate survives any restart, and
 * several producers share the work. Operations with a rate are published beside others; of those without, one segment at a time.
 */
@Injectable()
export class PublishingJob extends LeasedJob<SegmentLease> {
  protected override readonly isConcurrent = true;
  private readonly held = new Set<SegmentLease>();
  private readonly waiting = new Set<SegmentLease>();

  constructor(
    private readonly segments: SegmentLeases,
    private readonly interruptions: Interruptions,
    private readonly topic: OrdersTopic,
    private readonly ceiling: LagCeiling,
    private readonly mongo: Mongo,
    wakeUp: WakeUp,
  ) {
    super(wakeUp);
  }

  /** The number of segments that this process publishes, and of those that wait until the consumers have caught up. */
  get segmentCounts(): { readonly held: number; readonly waiting: number } {
    return { held: this.held.size, waiting: this.waiting.size };
  }

  override async beforeApplicationShutdown(): Promise<void> {
    // While Kafka is unavailable, the current chunk is retried forever; closing the topic ends that after two seconds.
    await Promise.all([super.beforeApplicationShutdown(), this.topic.close()]);
  }

  protected async claim(): Promise<SegmentLease | null> {
    const held = [...this.held].map(({ operation }) => operation);
    const paced = held.filter(({ ratePerSecond }) => ratePerSecond !== null).length;
    const kinds = { withRate: paced < MAX_PACED, withoutRate: paced === held.length };
    return this.topic.gate.isOpen ? this.segments.claim({ except: held.map(({ _id }) => _id), ...kinds }) : null;
  }

  protected async idle(): Promise<void> {
    await this.interruptions.settle();
  }

  protected async run(lease: SegmentLease, signal: AbortSignal): Promise<void> {
    const { operation, part: segment } = lease;
    const { _id: id, count } = operation;
    this.held.add(lease);
    this.logger.log({ operation: id, from: segment.ackedTo, to: segment.to, count }, 'publishing');
    const saver = new ProgressSaver(
      async (progress, chunks) => this.segments.saveProgress(lease, progress, chunks),
      this.clock,
    );
    try {
      const begun = await this.segments.begin(operation);
      const progress = await this.topic.gate.pass(async (closing) =>
        publishSegment({
          operation: begun,
          segment,
          source: orderSource(operation, this.mongo.db),
          topic: this.topic,
          ceiling: this.ceiling,
          now: () => this.mongo.time.now(),
          signal: AbortSignal.any([signal, closing]),
          onProgress: (now, chunk) => saver.note(now, chunk),
          onWaiting: async (isWaiting) => {
            if (isWaiting) this.waiting.add(lease);
            else this.waiting.delete(lease);
            await lease.update({ waitingFor: isWaiting ? 'consumers' : null });
          },
        }),
      );
      await this.release(lease, progress, saver);
    } catch (error) {
      if (error instanceof LeaseLostError) throw error;
      await this.handleFailure(lease, error, saver);
    } finally {
      this.held.delete(lease);
      this.waiting.delete(lease);
    }
  }

  private async release(lease: SegmentLease, progress: SegmentProgress, saver: ProgressSaver): Promise<void> {
    const { goesOn } = await this.persist(async () => this.segments.release(lease, progress, await saver.finish()));
    const { operation, part } = lease;
    this.logger.log({ operation: operation._id, from: part.from, ackedTo: progress.ackedTo }, 'segment released');
    // If it fails, the next idle poll of any process does it.
    if (!goesOn) await this.attempt('settle operations', async () => this.interruptions.settle());
  }

  /**
   * Stores what was acknowledged, and releases the lease at once, so that any process can continue. Otherwise nothing is published until
   * the lease expires.
   */
  private async handleFailure(lease: SegmentLease, error: unknown, saver: ProgressSaver): Promise<void> {
    const context = { operation: lease.operation._id, reason: String(error) };
    if (isPermanent(error)) {
      this.logger.error(context, 'operation failed');
      const { reached } = saver;
      if (reached !== undefined)
        await this.persist(async () => this.segments.saveProgress(lease, reached, await saver.finish()));
      return this.persist(async () => lease.fail(error));
    }
    const release = async () => this.segments.release(lease, saver.reached ?? lease.part, await saver.finish());
    if (this.isStopping) {
      this.logger.warn(context, 'publishing interrupted by shutdown, continues later');
      await release();
      return;
    }
    this.logger.error(context, 'publishing failed, retrying');
    // Back off: the cause of the failure may still be present.
    await pause(this.clock, STORE_RETRY_MS);
    await this.persist(release);
  }

  /** Retries a store until it succeeds, the lease is lost or the process stops. */
  private async persist<T>(store: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await store();
      } catch (error) {
        if (error instanceof LeaseLostError || this.isStopping) throw error;
        this.logger.warn({ reason: String(error) }, 'cannot store the operation, retrying');
        await pause(this.clock, STORE_RETRY_MS);
      }
    }
  }
}

/** Whether a retry cannot succeed: Kafka rejects the records, or the orders are missing. */
function isPermanent(error: unknown): error is RecordsRejectedError | ImportRowsMissingError {
  return error instanceof RecordsRejectedError || error instanceof ImportRowsMissingError;
}

/** Exposes whether this process publishes a segment, or waits. @param ceiling the maximum consumer lag, in records */
export function exposePublishing(job: Pick<PublishingJob, 'segmentCounts'>, ceiling: number, registry: Registry): void {
  const registers = [registry];
  const publishing: Gauge = new Gauge({
    name: 'producer_emissions_running',
    help: 'Operation segments that this producer is publishing, including those that wait for the consumers',
    registers,
    collect: () => publishing.set(job.segmentCounts.held),
  });
  const waiting: Gauge = new Gauge({
    name: 'producer_waiting_for_consumers',
    help: '1 while publishing is paused because the consumer lag reached the lag ceiling, else 0',
    registers,
    collect: () => waiting.set(Number(job.segmentCounts.waiting > 0)),
  });
  new Gauge({
    name: 'producer_lag_ceiling_records',
    help: 'Consumer lag in records at which publishing pauses (setting LAG_CEILING)',
    registers,
  }).set(ceiling);
}
