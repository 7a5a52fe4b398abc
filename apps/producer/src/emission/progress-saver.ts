import type { AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { Clock } from '@orders-pipeline/clock';
import type { SegmentProgress } from './segment-leases.js';

/** How often progress is stored, in ms. After a crash, records acknowledged since are emitted again; the consumers deduplicate them. */
const SAVE_EVERY_MS = 250;
/** How long the emission continues during a store, in ms. Then it waits, so that a crash does not repeat too much. */
const MAX_STORE_MS = 1_000;

type Store = (progress: SegmentProgress, chunks: readonly AcknowledgedChunk[]) => Promise<void>;

/**
 * Stores progress every 250 ms rather than after each chunk. The emission sends the next chunks while MongoDB makes the progress durable.
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
