import type { AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import type { Clock } from '#parallel-consumer/clock.js';
import type { SegmentProgress } from './segment-leases.js';

/** How often progress is stored; a crash emits again what was acknowledged since, which the consumers recognise. */
const SAVE_EVERY_MS = 250;
/** How long the emission goes on while it is stored; after that it waits, or a crash would repeat too much. */
const GO_ON_MS = 1_000;

type Store = (progress: SegmentProgress, chunks: readonly AcknowledgedChunk[]) => Promise<void>;

/**
 * Stores progress every so often rather than at each chunk, and beside the emission: while MongoDB makes it durable the next chunks
 * go out.
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

  /** @throws what storing an earlier progress has thrown: its chunks are still pending then */
  async note(progress: SegmentProgress, chunk: AcknowledgedChunk): Promise<void> {
    this.last = progress;
    this.chunks.push(chunk);
    const age = this.clock.now() - this.savedAt;
    if (this.saving !== undefined && age >= GO_ON_MS) await this.finish();
    if (this.saving === undefined && age >= SAVE_EVERY_MS) this.begin(progress);
  }

  /** Waits until nothing is being stored. @returns chunks that are not stored. @throws as `note` */
  async finish(): Promise<readonly AcknowledgedChunk[]> {
    const { saving } = this;
    this.saving = undefined;
    await saving;
    return this.chunks;
  }

  /** How far the emission had come when it was told last; `undefined`: nothing was acknowledged. */
  get reached(): SegmentProgress | undefined {
    return this.last;
  }

  private begin(progress: SegmentProgress): void {
    const chunks = this.chunks;
    this.chunks = [];
    this.savedAt = this.clock.now();
    const saving = this.keep(progress, chunks);
    // A failure is met by whoever waits for it.
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
