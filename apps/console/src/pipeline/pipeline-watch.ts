import { pause, type Clock } from '#parallel-consumer/clock.js';
import { observationOf } from '../changes/observation.js';
import { PipelineChanges } from '../changes/pipeline-changes.js';
import { CountedSnapshots } from './counted-snapshots.js';
import { pipelineFigures } from './pipeline-figures.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

const EVERY_MS = 1_000;
/** Looked on after the last one who asked: who asks again and again finds rates. */
const LINGER_MS = 10_000;

/** Looks once a second for all who watch together, and not at all while nobody does. */
export class PipelineWatch {
  private wantedUntil = 0;
  private watching: Promise<void> | undefined;
  private next = Promise.withResolvers<PipelineResponse>();
  private latest: PipelineResponse | undefined;

  constructor(
    private readonly look: () => Promise<PipelineSnapshot>,
    private readonly clock: Clock,
  ) {}

  /** As it was a second ago at the most. The first one after a while waits for two looks: one has no rates. */
  async now(): Promise<PipelineResponse> {
    this.want();
    return this.latest ?? this.next.promise;
  }

  /** What the next look finds. */
  async following(): Promise<PipelineResponse> {
    this.want();
    return this.next.promise;
  }

  private want(): void {
    this.wantedUntil = this.clock.now() + LINGER_MS;
    this.watching ??= this.watch();
  }

  private async watch(): Promise<void> {
    const looks = new CountedSnapshots();
    const changes = new PipelineChanges();
    for (let seen = looks.add(await this.look()); this.clock.now() < this.wantedUntil;) {
      await pause(this.clock, EVERY_MS);
      const look = await this.look();
      seen = looks.add(look);
      changes.add(observationOf(look));
      this.tell(pipelineFigures(seen, changes.list()));
    }
    // Within the same turn in which nobody was found to want more: who comes next begins anew.
    this.watching = undefined;
    this.latest = undefined;
  }

  private tell(figures: PipelineResponse): void {
    const { resolve } = this.next;
    this.next = Promise.withResolvers();
    this.latest = figures;
    resolve(figures);
  }
}
