import { pause, type Clock } from '@orders-pipeline/clock';
import { toObservation } from '../changes/observation.js';
import { PipelineChanges } from '../changes/pipeline-changes.js';
import { isAlive } from '../consumers/consumer-state.js';
import { ConsumerWatch } from '../consumers/consumer-watch.js';
import { FigureHistory, type RecordedSeries } from '../history/figure-history.js';
import type { ScalingTarget } from '../scaling/scaling-target.js';
import { CountedSnapshots } from './counted-snapshots.js';
import { pipelineFigures } from './pipeline-figures.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

const EVERY_MS = 1_000;

/**
 * Takes one snapshot per second for all clients together, and remembers the last hour of figures and changes in constant memory (about 50 kB),
 * whether or not there is a client.
 */
export class PipelineWatch {
  private isStopped = false;
  private next = Promise.withResolvers<PipelineResponse>();
  private latest: PipelineResponse | undefined;
  private latestSnapshot: PipelineSnapshot | undefined;
  private readonly states = new ConsumerWatch();
  private readonly snapshots = new CountedSnapshots();
  private readonly changes = new PipelineChanges();
  private readonly history = new FigureHistory();

  constructor(
    private readonly takeSnapshot: () => Promise<PipelineSnapshot>,
    private readonly target: ScalingTarget,
    private readonly clock: Clock,
  ) {}

  /** Returns figures at most a second old. Just after the start it waits for two snapshots, since rates need two. */
  async now(): Promise<PipelineResponse> {
    return this.latest ?? this.next.promise;
  }

  /** Returns the figures of the next snapshot. */
  async following(): Promise<PipelineResponse> {
    return this.next.promise;
  }

  /** The newest snapshot, at most a second old; `undefined` before the first one. */
  get snapshot(): PipelineSnapshot | undefined {
    return this.latestSnapshot;
  }

  /** Returns the figures of the last hour. */
  recorded(): RecordedSeries[] {
    return this.history.recorded();
  }

  /** Watches until `stop` is called. */
  async run(): Promise<void> {
    this.latestSnapshot = await this.takeSnapshot();
    this.snapshots.add(this.states.add(this.latestSnapshot));
    for (let due = this.nextTick(); !this.isStopped; due = Math.max(due + EVERY_MS, this.nextTick() - EVERY_MS)) {
      await pause(this.clock, Math.max(0, due - this.clock.now()));
      if (this.isStopped) return;
      this.latestSnapshot = await this.takeSnapshot();
      this.take(this.latestSnapshot, due / 1_000);
    }
  }

  /** Also ends the wait for the next figures. */
  stop(): void {
    this.isStopped = true;
    if (this.latest !== undefined) this.next.resolve(this.latest);
  }

  /** The next whole second: the history then has exactly one value for each, even when a snapshot is late. */
  private nextTick(): number {
    return Math.ceil((this.clock.now() + 1) / EVERY_MS) * EVERY_MS;
  }

  private take(snapshot: PipelineSnapshot, second: number): void {
    const watched = this.states.add(snapshot);
    const recent = this.snapshots.add(watched);
    this.changes.add(toObservation(watched));
    this.target.observe(watched.consumers);
    const figures = pipelineFigures(recent, this.changes.isDisturbed(snapshot.at));
    this.history.add(second, {
      produced: figures.producedPerSecond,
      saved: figures.savedPerSecond,
      inFlight: figures.inFlight,
      lag: figures.lagRecords,
      consumers: watched.consumers?.filter((each) => isAlive(each)).length ?? null,
    });
    const at = new Date(1_000 * second).toISOString();
    this.publish({ at, ...figures, changes: this.reportedChanges(snapshot.at), scaling: this.target.pending });
  }

  private reportedChanges(now: number): PipelineResponse['changes'] {
    return Array.from(this.changes.list(), ({ at, ...change }) => ({
      at: new Date(at).toISOString(),
      secondsAgo: Math.max(0, Math.round((now - at) / 1_000)),
      ...change,
    }));
  }

  private publish(figures: PipelineResponse): void {
    const { resolve } = this.next;
    this.next = Promise.withResolvers();
    this.latest = figures;
    resolve(figures);
  }
}
