import type { AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import type { SegmentProgress } from './segment-leases.js';

/** How often progress is stored; a crash emits again what was acknowledged since, which the consumers recognise. */
const SAVE_EVERY_MS = 250;

/** Stores progress every so often rather than at each chunk. */
export class ProgressSaver {
  private savedAt = 0;
  private chunks: AcknowledgedChunk[] = [];

  constructor(
    private readonly store: (progress: SegmentProgress, chunks: readonly AcknowledgedChunk[]) => Promise<void>,
  ) {}

  async note(progress: SegmentProgress, chunk: AcknowledgedChunk): Promise<void> {
    this.chunks.push(chunk);
    if (Date.now() - this.savedAt < SAVE_EVERY_MS) return;
    // When that fails, the next one stores these too.
    await this.store(progress, this.chunks);
    this.chunks = [];
    this.savedAt = Date.now();
  }

  /** Chunks that are not stored yet. */
  get pending(): readonly AcknowledgedChunk[] {
    return this.chunks;
  }
}
