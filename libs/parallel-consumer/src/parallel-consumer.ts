import { Assignment } from './offsets/assignment.js';
import type { Broker, BrokerListener, FetchedBatch, TopicPartition } from './kafka/broker.js';
import { Committer } from './offsets/committer.js';
import { Lifecycle, type State } from './lifecycle.js';
import { resolveOptions, type ParallelConsumerOptions, type ResolvedOptions } from './options.js';
import { Scheduler } from './window/scheduler.js';
import { TaskRunner } from './attempts/task-runner.js';
import { Waiters } from './window/waiters.js';

/** How a drain ended. `lost` is there to be read: what is not finished is handed over, never lost. */
export interface DrainReport {
  readonly finished: number;
  readonly handedOver: number;
  readonly lost: 0;
}

/** A look at the engine, for metrics, progress and readiness. */
export interface ParallelConsumerStatus {
  readonly state: State;
  /** In the group, in touch with it, and the environment is not away. */
  readonly ready: boolean;
  readonly suspendedSince: number | undefined;
  readonly inFlight: number;
  readonly taken: number;
  readonly takenBytes: number;
  readonly finished: number;
  readonly deadLettered: number;
  readonly retries: number;
  readonly partitions: readonly number[];
  /** Records on the assigned partitions that aren't finished, as of the last fetches. */
  readonly lag: number;
}

/** How often a full window tells the group that it lives, while it waits for room. */
const HEARTBEAT_WHILE_FULL_MS = 300;
/** Without a sign of life for so long a member isn't ready, whatever it believes. */
const CONTACT_TIMEOUT_MS = 15_000;

/**
 * Runs a handler over a topic with many records in flight, and commits an offset only when all before it are finished.
 *
 * Guarantees: at least once, whatever crashes; order as `ordering` says; memory bounded by `maxTaken` and `maxBytes`; no
 * record skipped because its environment was away. Not guaranteed: exactly once (a crash repeats what was in flight).
 */
export class ParallelConsumer implements BrokerListener {
  private readonly options: ResolvedOptions;
  private readonly lifecycle = new Lifecycle();
  private readonly scheduler: Scheduler;
  private readonly runner: TaskRunner;
  private readonly assignments = new Map<string, Assignment>();
  private readonly progress = new Waiters();
  private readonly committer: Committer;
  private rejoining = false;

  constructor(
    options: ParallelConsumerOptions,
    private readonly broker: Broker,
  ) {
    this.options = resolveOptions(options);
    const { ordering, inFlight, maxTaken, maxBytes } = this.options;
    this.scheduler = new Scheduler(ordering, { inFlight, maxTaken, maxBytes });
    this.runner = new TaskRunner(this.options, this.scheduler, broker, () => this.progress.wake());
    this.committer = new Committer(this.options, broker, () => this.assignments.values());
  }

  get status(): ParallelConsumerStatus {
    const { joined, lastContactAt } = this.broker.health;
    const { suspendedSince } = this.runner;
    const inTouch = this.options.clock.now() - lastContactAt < CONTACT_TIMEOUT_MS;
    const assignments = [...this.assignments.values()];
    return {
      state: this.lifecycle.state,
      ready: this.lifecycle.state === 'running' && joined && inTouch && suspendedSince === undefined,
      suspendedSince,
      inFlight: this.scheduler.running,
      taken: this.scheduler.taken,
      takenBytes: this.scheduler.bytes,
      ...this.runner.counts,
      partitions: assignments.map(({ partition }) => partition),
      lag: assignments.reduce(
        (sum, { highWatermark, frontier }) => sum + Math.max(0, highWatermark - frontier.committable),
        0,
      ),
    };
  }

  /** Joins the group; `status.ready` tells when it is in. @throws what the broker throws when it can't be reached at all */
  async start(): Promise<void> {
    await this.broker.start(this);
    this.lifecycle.to('running');
    this.committer.resume();
  }

  /** Takes nothing more, lets running work end (at most `drainTimeoutMs`), commits it and leaves the group. */
  async stop(): Promise<DrainReport> {
    this.lifecycle.to('draining');
    const report = await this.drain();
    await this.broker.stop();
    for (const assignment of this.assignments.values()) assignment.revoke();
    this.lifecycle.to('stopped');
    this.progress.wake();
    this.options.logger.info(report, `stopped: finished ${report.finished}, handed over ${report.handedOver}, lost 0`);
    return report;
  }

  assigned(partitions: readonly TopicPartition[], kept: boolean): void {
    const wanted = new Map(partitions.map((each) => [nameOf(each), each]));
    let handedOver = 0;
    for (const [name, assignment] of this.assignments) {
      if (kept && wanted.has(name)) continue;
      assignment.revoke();
      handedOver += this.scheduler.handOver(assignment);
      this.assignments.delete(name);
    }
    const goOn = this.assignments.size;
    for (const [name, { topic, partition }] of wanted)
      if (!this.assignments.has(name)) this.assignments.set(name, new Assignment(topic, partition));
    this.options.logger.info(
      { partitions: partitions.map(({ partition }) => partition), kept: goOn, handedOver },
      'partitions assigned',
    );
    this.rejoining = false;
    if (this.lifecycle.state !== 'draining') {
      this.runner.hold(false);
      this.committer.resume();
    }
  }

  async fetched(batch: FetchedBatch): Promise<number | undefined> {
    const assignment = this.assignments.get(nameOf(batch));
    if (assignment === undefined) return batch.records[0]?.offset;
    assignment.highWatermark = batch.highWatermark;
    for (const record of batch.records) {
      if (record.offset < assignment.frontier.next) continue;
      if (!this.scheduler.hasRoom()) await this.room(batch, assignment);
      if (!this.takes(assignment) || this.isOverSpan(assignment)) return record.offset;
      assignment.frontier.received(record.offset);
      this.scheduler.take(record, assignment);
      this.runner.pump();
    }
    assignment.frontier.skipTo(batch.lastOffset + 1);
    return undefined;
  }

  async rebalancing(): Promise<void> {
    this.rejoining = true;
    if (this.assignments.size === 0 || this.lifecycle.state === 'draining') return;
    const report = await this.drain();
    this.options.logger.info(
      report,
      `rebalance: finished ${report.finished}, handed over up to ${report.handedOver}, lost 0`,
    );
  }

  lost(error: unknown): void {
    this.options.logger.error({ reason: String(error) }, 'membership lost: joining the group anew');
    this.assigned([], false);
  }

  private takes(assignment: Assignment): boolean {
    return !assignment.revoked && !this.rejoining && this.lifecycle.state !== 'draining';
  }

  /** Taking on behind a record that doesn't finish would fill the memory, and a crash would repeat it all. */
  private isOverSpan({ frontier, partition }: Assignment): boolean {
    if (frontier.span < this.options.maxSpan) return false;
    this.options.logger.warn(
      { partition, offset: frontier.committable, span: frontier.span },
      'nothing more is taken from a partition: its oldest unfinished record is too far behind',
    );
    return true;
  }

  /** Waits for room in the window, telling the group meanwhile that this member lives. Ends early when nothing is taken. */
  private async room(batch: FetchedBatch, assignment: Assignment): Promise<void> {
    while (this.takes(assignment) && !this.scheduler.hasRoom()) {
      await this.progress.wait(this.options.clock, HEARTBEAT_WHILE_FULL_MS);
      await batch.heartbeat();
    }
  }

  private async drain(): Promise<DrainReport> {
    const { clock, drainTimeoutMs } = this.options;
    const before = this.runner.counts.finished;
    const deadline = clock.now() + drainTimeoutMs;
    this.runner.hold(true);
    // Not while joining: a timed commit could land in the new generation with the old one's offsets.
    this.committer.hold();
    this.progress.wake();
    while (this.scheduler.running > 0 && clock.now() < deadline)
      await this.progress.wait(clock, deadline - clock.now());
    await this.committer.commit();
    return { finished: this.runner.counts.finished - before, handedOver: this.scheduler.taken, lost: 0 };
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
