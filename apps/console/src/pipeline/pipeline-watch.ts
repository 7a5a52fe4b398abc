import { pause, type Clock } from '@orders-pipeline/clock';
import { toObservation } from '../changes/observation.js';
import { PipelineChanges } from '../changes/pipeline-changes.js';
import { CountedSnapshots } from './counted-snapshots.js';
import { pipelineFigures } from './pipeline-figures.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

const EVERY_MS = 1_000;
/** The watch continues this long after the last request, so that a client that polls gets rates. */
const LINGER_MS = 10_000;

/** Takes one snapshot per second for all clients together, and none while there is no client. */
export class PipelineWatch {
  private wantedUntil = 0;
  private watching: Promise<void> | undefined;
  private next = Promise.withResolvers<PipelineResponse>();
  private latest: PipelineResponse | undefined;

  constructor(
    private readonly takeSnapshot: () => Promise<PipelineSnapshot>,
    private readonly clock: Clock,
  ) {}

  /** Returns figures at most a second old. The first call after a pause waits for two snapshots, since rates need two. */
  async now(): Promise<PipelineResponse> {
    this.keepWatching();
    return this.latest ?? this.next.promise;
  }

  /** Returns the figures of the next snapshot. */
  async following(): Promise<PipelineResponse> {
    this.keepWatching();
    return this.next.promise;
  }

  private keepWatching(): void {
    this.wantedUntil = this.clock.now() + LINGER_MS;
    this.watching ??= this.watch();
  }

  private async watch(): Promise<void> {
    const snapshots = new CountedSnapshots();
    const changes = new PipelineChanges();
    for (let recent = snapshots.add(await this.takeSnapshot()); this.clock.now() < this.wantedUntil;) {
      await pause(this.clock, EVERY_MS);
      const snapshot = await this.takeSnapshot();
      recent = snapshots.add(snapshot);
      changes.add(toObservation(snapshot));
      this.publish(pipelineFigures(recent, changes.list()));
    }
    // In the same event-loop turn as the check above, so that the next client starts a new watch.
    this.watching = undefined;
    this.latest = undefined;
  }

  private publish(figures: PipelineResponse): void {
    const { resolve } = this.next;
    this.next = Promise.withResolvers();
    this.latest = figures;
    resolve(figures);
  }
}
