import { pause, type Clock } from '@orders-pipeline/clock';
import type { SeenLoad } from '../autoscaling/autoscaler.js';
import type { AutoscalingView } from '../autoscaling/autoscaling-response.js';
import { toObservation } from '../changes/observation.js';
import { PipelineChanges, type PipelineChange } from '../changes/pipeline-changes.js';
import type { ScalingDemoView } from '../scaling-demo/scaling-demo-response.js';
import type { ScalingTarget } from '../scaling/scaling-target.js';
import { isAlive } from './consumer-state.js';
import { ConsumerWatch } from './consumer-watch.js';
import { FigureHistory, type Figures, type RecordedSeries } from './figure-history.js';
import { CountedSnapshots, pipelineFigures } from './pipeline-figures.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

const EVERY_MS = 1_000;
/** While nothing happens and there is no client. Shorter than the window of the rates, so that they stay known. */
const RESTING_EVERY_MS = 4_000;
/** A client that polls is one for this long after each request. */
const LINGER_MS = 10_000;

/**
 * Takes one snapshot per second for all clients together, and remembers the last hour of figures and changes in constant memory (about 50 kB),
 * whether or not there is a client. While the pipeline is idle and there is no client, it takes a snapshot every four seconds only.
 */
export class PipelineWatch {
  /** The newest snapshot, at most a second old, or four while the pipeline is idle; `undefined` before the first one. */
  snapshot: PipelineSnapshot | undefined;
  /** The load of the newest snapshot, for the autoscaler; `undefined` before the first one. */
  load: SeenLoad | undefined;
  /** The number of partitions when Kafka last answered; `null`: not yet. It hardly ever changes, and never becomes smaller. */
  partitionCount: number | null = null;
  private isStopped = false;
  /** The figures of an idle pipeline; `null`: it is not idle. */
  private idle: Figures | null = null;
  private wantedUntil = 0;
  private next = Promise.withResolvers<PipelineResponse>();
  private latest: PipelineResponse | undefined;
  private readonly states = new ConsumerWatch();
  private readonly snapshots = new CountedSnapshots();
  private readonly changes = new PipelineChanges();
  private readonly history = new FigureHistory();

  constructor(
    private readonly takeSnapshot: () => Promise<PipelineSnapshot>,
    private readonly target: ScalingTarget,
    private readonly clock: Clock,
    /** Returns what the autoscaler does; `null`: it is off. */
    private readonly autoscaling: () => AutoscalingView | null = () => null,
    /** Returns the last scaling demo; `null`: none since the start. */
    private readonly scalingDemo: () => ScalingDemoView | null = () => null,
  ) {}

  /** Mean load of the busiest machine that runs a consumer over the last snapshots, 0 to 1; `null`: unknown. */
  get machineLoad(): number | null {
    return this.changes.machineLoad;
  }

  /** Returns figures at most a second old. Just after the start it waits for two snapshots, since rates need two. */
  async now(): Promise<PipelineResponse> {
    const isFresh = !this.isResting;
    this.wantedUntil = this.clock.now() + LINGER_MS;
    return (isFresh ? this.latest : undefined) ?? this.next.promise;
  }

  /** Returns the figures of the next snapshot. */
  async following(): Promise<PipelineResponse> {
    this.wantedUntil = this.clock.now() + LINGER_MS;
    return this.next.promise;
  }

  /** Returns the figures of the last hour. */
  recorded(): RecordedSeries[] {
    this.recordIdleUntil(Math.floor(this.clock.now() / 1_000));
    return this.history.recorded();
  }

  /** Watches until `stop` is called. */
  async run(): Promise<void> {
    this.snapshot = await this.takeSnapshot();
    this.snapshots.add(this.states.add(this.snapshot));
    for (let due = this.nextTick(); !this.isStopped; due = Math.max(due + EVERY_MS, this.nextTick() - EVERY_MS)) {
      await pause(this.clock, Math.max(0, due - this.clock.now()));
      if (this.isStopped) return;
      if (this.isResting && due % RESTING_EVERY_MS !== 0) continue;
      this.snapshot = await this.takeSnapshot();
      this.take(this.snapshot, due / 1_000);
    }
  }

  /** Also ends the wait for the next figures. */
  stop(): void {
    this.isStopped = true;
    if (this.latest !== undefined) this.next.resolve(this.latest);
  }

  private get isResting(): boolean {
    return this.idle !== null && this.clock.now() >= this.wantedUntil;
  }

  /** The next whole second: the history then has exactly one value for each, even when a snapshot is late. */
  private nextTick(): number {
    return Math.ceil((this.clock.now() + 1) / EVERY_MS) * EVERY_MS;
  }

  private take(snapshot: PipelineSnapshot, second: number): void {
    const watched = this.states.add(snapshot);
    const recent = this.snapshots.add(watched);
    const observation = toObservation(watched);
    this.changes.add(observation);
    this.target.observe(watched.consumers);
    const isDisturbed = this.changes.isDisturbed(snapshot.at);
    const figures = pipelineFigures(recent, isDisturbed);
    this.partitionCount = figures.partitions?.length ?? this.partitionCount;
    const { pending: scaling, requests: scalingRequests } = this.target;
    const { producedPerSecond, savedPerSecond } = figures;
    const { configuredConsumers } = this.changes;
    const changes = this.changes.list(scaling?.count ?? null);
    this.load = { observation, producedPerSecond, savedPerSecond, changes, isDisturbed, configuredConsumers };
    const recorded = {
      produced: figures.producedPerSecond,
      saved: figures.savedPerSecond,
      inFlight: figures.inFlight,
      lag: figures.lagRecords,
      consumers: watched.consumers?.filter((each) => isAlive(each)).length ?? null,
    };
    this.recordIdleUntil(second - 1);
    this.history.add(second, recorded);
    const isCalm = watched.consumers?.every(({ state }) => state === 'ready' || state === 'idle') ?? false;
    const isStill = [recorded.produced, recorded.saved, recorded.inFlight, recorded.lag].every((value) => value === 0);
    this.idle = isStill && isCalm && !isDisturbed && this.target.pending === null ? recorded : null;
    this.publish({
      at: new Date(1_000 * second).toISOString(),
      ...figures,
      changes: reportedChanges(changes, snapshot.at),
      scaling,
      scalingRequests,
      configuredConsumers: watched.consumers && (scaling?.count ?? configuredConsumers),
      autoscaling: this.autoscaling(),
      scalingDemo: this.scalingDemo(),
    });
  }

  /** The seconds that are skipped while the pipeline is idle are idle too. */
  private recordIdleUntil(second: number): void {
    if (this.idle === null) return;
    const from = Math.max(this.history.newest, second - RESTING_EVERY_MS / 1_000) + 1;
    for (let skipped = from; skipped <= second; skipped += 1) this.history.add(skipped, this.idle);
  }

  private publish(figures: PipelineResponse): void {
    const { resolve } = this.next;
    this.next = Promise.withResolvers();
    this.latest = figures;
    resolve(figures);
  }
}

function reportedChanges(changes: readonly PipelineChange[], now: number): PipelineResponse['changes'] {
  return Array.from(changes, ({ at, ...change }) => ({
    at: new Date(at).toISOString(),
    secondsAgo: Math.max(0, Math.round((now - at) / 1_000)),
    ...change,
  }));
}
