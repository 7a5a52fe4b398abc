import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import type { Interruption, OperationDocument } from '#orders/operation.js';
import { succeededWithin, systemClock } from '#parallel-consumer/clock.js';
import { RecordsRefusedError } from '#parallel-consumer/kafka/reliable-producer.js';
import { emit } from './emission.js';
import { Interruptions } from '../operations/interruptions.js';
import { LagCeiling } from './lag-ceiling.js';
import { LeaseLostError, Operations, type Progress } from '../operations/operations.js';
import { OrdersTopic } from './orders-topic.js';

/** How often to look for operations that another process left behind. */
const LOOK_AROUND_MS = 1_000;
/** How often the lease is renewed, and another process's wish for a pause noticed, while nothing is acknowledged. */
const RENEW_EVERY_MS = 1_000;
/** How often progress is stored; a crash emits again what was acknowledged since, which the consumers recognise. */
const SAVE_EVERY_MS = 250;
/** How long a stop waits for the chunk in hand; whoever claims the operation next sends it again. */
const STOP_PATIENCE_MS = 4_000;

/**
 * Emits running operations one after another, those that a crashed process left behind included: a populate survives any
 * restart by itself.
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
    private readonly operations: Operations,
    private readonly interruptions: Interruptions,
    private readonly topic: OrdersTopic,
    private readonly ceiling: LagCeiling,
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
      const operation = await this.claim();
      if (operation === null) await this.lookAround();
      else await this.emit(operation);
    }
  }

  private async claim(): Promise<OperationDocument | null> {
    try {
      await this.interruptions.settle();
      return await this.operations.claim(this.owner);
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'operations can not be read: trying again');
      return null;
    }
  }

  private async lookAround(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    const timer = new AbortController();
    await Promise.race([woken, sleep(LOOK_AROUND_MS, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }

  private async emit(operation: OperationDocument): Promise<void> {
    const { _id: id, count, acked } = operation;
    this.logger.log(
      { operation: id, from: acked, count },
      acked === 0 ? 'emitting' : 'emitting on from the last acknowledged order',
    );
    const lease = this.keepLease(id);
    const saver = new ProgressSaver(async (progress, chunks) =>
      lease.note(await this.operations.saveProgress(id, this.owner, progress, chunks)),
    );
    try {
      const signal = AbortSignal.any([this.stopping.signal, lease.over]);
      const progress = await emit({
        operation,
        topic: this.topic,
        ceiling: this.ceiling,
        signal,
        onProgress: (now, chunk) => saver.note(now, chunk),
        onWaiting: (isWaiting) => this.operations.waitFor(id, this.owner, isWaiting ? 'consumers' : null),
      });
      await this.persist(() => saver.save(progress));
      await this.finished(id, progress, count);
    } catch (error) {
      await this.failed(id, error);
    } finally {
      lease.stop();
    }
  }

  /** Renews the lease, also while Kafka is away or the next order isn't due for long, until it is lost or something is wanted. */
  private keepLease(id: string): {
    readonly over: AbortSignal;
    readonly note: (wanted: Interruption | null) => void;
    readonly stop: () => void;
  } {
    const over = new AbortController();
    const note = (wanted: Interruption | null): void => {
      if (wanted !== null) over.abort();
    };
    const renew = async (): Promise<void> => {
      try {
        note(await this.operations.renew(id, this.owner));
      } catch (error) {
        if (error instanceof LeaseLostError) over.abort();
        else this.logger.warn({ operation: id, reason: String(error) }, 'the lease could not be renewed: trying again');
      }
    };
    const timer = setInterval(() => void renew(), RENEW_EVERY_MS);
    this.lookAtWishes = () => void renew();
    const stop = (): void => {
      clearInterval(timer);
      this.lookAtWishes = () => undefined;
    };
    return { over: over.signal, note, stop };
  }

  private async finished(id: string, progress: Progress, count: number): Promise<void> {
    const all = progress.acked === count;
    if (all) await this.persist(() => this.operations.succeed(id, this.owner, progress));
    else await this.persist(() => this.operations.release(id, this.owner, progress));
    if (!all) await this.interruptions.settle();
    this.logger.log({ operation: id, acked: progress.acked, count }, all ? 'all acknowledged' : 'let go');
  }

  private async failed(id: string, error: unknown): Promise<void> {
    if (error instanceof LeaseLostError) return this.logger.warn({ operation: id }, error.message);
    if (error instanceof RecordsRefusedError) {
      this.logger.error({ operation: id, code: error.code }, error.message);
      const { code, message } = error;
      return this.persist(() => this.operations.fail(id, this.owner, { code, message })).catch((unstored: unknown) =>
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
  private async persist(store: () => Promise<void>): Promise<void> {
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

/** Stores progress every so often rather than at each chunk. */
class ProgressSaver {
  private savedAt = 0;
  private chunks: AcknowledgedChunk[] = [];

  constructor(private readonly store: (progress: Progress, chunks: readonly AcknowledgedChunk[]) => Promise<void>) {}

  async note(progress: Progress, chunk: AcknowledgedChunk): Promise<void> {
    this.chunks.push(chunk);
    if (Date.now() - this.savedAt >= SAVE_EVERY_MS) await this.save(progress);
  }

  /** Stores what isn't stored yet; when that fails, the next one stores it too. */
  async save(progress: Progress): Promise<void> {
    await this.store(progress, this.chunks);
    this.chunks = [];
    this.savedAt = Date.now();
  }
}
