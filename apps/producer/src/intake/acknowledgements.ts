import { pause, type Clock } from '@orders-pipeline/clock';
import type { AcknowledgedBatch, IntakeStore } from './intake-store.js';

const RETRY_MS = 500;
/** The pause between two writes, so that under load each marks several batches. */
export const PAUSE_MS = 50;

/**
 * Marks batches as acknowledged, as many at once as have come since the last write. Clients don't wait for it: a batch without the mark
 * is sent again after a crash, which is harmless.
 */
export class Acknowledgements {
  private waiting: AcknowledgedBatch[] = [];
  private writing: Promise<void> | undefined;
  private isClosed = false;

  /** @param onError receives the error of a write that is retried */
  constructor(
    private readonly store: Pick<IntakeStore, 'acknowledge'>,
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  add(batch: AcknowledgedBatch): void {
    this.waiting.push(batch);
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  /** Resolves when all batches are marked, or given up. */
  async flush(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  /** Gives up writes that fail from now on: the next process marks those batches. */
  close(): void {
    this.isClosed = true;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batches = this.waiting;
      this.waiting = [];
      try {
        await this.store.acknowledge(batches);
        await pause(this.clock, PAUSE_MS);
      } catch (error) {
        this.onError(error);
        if (this.isClosed) return;
        this.waiting = [...batches, ...this.waiting];
        await pause(this.clock, RETRY_MS);
      }
    }
  }
}
