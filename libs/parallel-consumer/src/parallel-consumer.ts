import { errorDetails } from './failures/failure.js';
import { TaskRunner } from './attempts/task-runner.js';
import { collectStatus } from './status/engine-status.js';
import type { Broker, BrokerListener, TopicPartition } from './broker/broker.js';
import { Lifecycle } from './status/lifecycle.js';
import type { AttemptOutcome } from './events/observer.js';
import { Assignment, type Task } from './partition/assignment.js';
import { Committer } from './commits/committer.js';
import { resolveOptions, type ParallelConsumerOptions, type ParallelConsumerSettings } from './options.js';
import { formatDrain, type DrainReport } from './events/drain-report.js';
import type { ParallelConsumerStatus } from './status/status.js';
import { TopicWatch } from './intake/topic-watch.js';
import { Watchdog } from './attempts/watchdog.js';
import { InFlightLimit } from './window/in-flight-limit.js';
import { Intake } from './intake/intake.js';
import { Scheduler } from './window/scheduler.js';
import { InFlightLog } from './status/in-flight-log.js';
import { ConditionVariable } from './structures/condition-variable.js';

/**
 * After this long without a response from the coordinator the consumer takes no more records; running work continues.
 * Heartbeats are 1 s apart.
 */
const COORDINATOR_TIMEOUT_MS = 2_500;

/**
 * Runs a handler over a topic with many records in flight, and commits an offset only when all records before it are finished.
 *
 * Guarantees: at-least-once processing, also after a crash; order as defined by `ordering`; memory bounded by `maxBuffered` and
 * `maxBytes`; no record is skipped because its environment was unavailable. Not guaranteed: exactly-once processing (a crash
 * repeats the records that were in flight and those that finished after the last commit).
 */
export class ParallelConsumer implements BrokerListener {
  private readonly options: ParallelConsumerSettings;
  private readonly lifecycle = new Lifecycle();
  private readonly scheduler: Scheduler;
  private readonly limit: InFlightLimit;
  private readonly runner: TaskRunner;
  private readonly intake: Intake;
  private readonly committer: Committer;
  private readonly watchdog: Watchdog;
  private readonly topics: TopicWatch;
  private readonly assignments = new Map<string, Assignment>();
  private readonly progress = new ConditionVariable();
  private rejoining = false;
  private handedOver = 0;
  private drained: { readonly finished: number; readonly at: number } | undefined;
  private leaving: Promise<DrainReport> | undefined;
  private draining: Promise<void> | undefined;

  constructor(
    options: ParallelConsumerOptions,
    private readonly broker: Broker,
  ) {
    this.options = resolveOptions(options);
    const all = (): Iterable<Assignment> => this.assignments.values();
    this.scheduler = new Scheduler(this.options.ordering, InFlightLimit.windowFor(this.options, 1));
    this.limit = new InFlightLimit(this.options, this.scheduler);
    this.runner = new TaskRunner(this.options, this.scheduler, broker, {
      progressed: () => {
        if (this.scheduler.running === 0) this.progress.wake();
        if (this.scheduler.hasSlack()) this.intake.pull();
      },
      handedOver: (count) => {
        this.handedOver += count;
      },
      attempted: (outcome, startedAt) => this.attempted(outcome, startedAt),
      halted: (task, cause) => this.halted(task, cause),
    });
    this.intake = new Intake(this.options, broker, this.scheduler, this.runner, {
      assignments: all,
      takes: (assignment) => !assignment.revoked && !this.rejoining && this.lifecycle.state === 'running',
      isCoordinatorResponding: () => this.options.clock.now() - broker.health.lastContactAt < COORDINATOR_TIMEOUT_MS,
      replace: (assignment) => this.replace(assignment),
    });
    this.committer = new Committer(this.options, broker, all);
    this.topics = new TopicWatch(this.options, broker, this.runner.deadLetters);
    const inFlightLog = new InFlightLog(this.options.logger);
    this.watchdog = new Watchdog(this.options, this.runner, all, () => {
      this.intake.pull();
      inFlightLog.check(this.status);
    });
  }

  /** A snapshot of the state, counters and partitions, at any time. */
  get status(): ParallelConsumerStatus {
    return collectStatus({
      state: this.lifecycle.state,
      health: this.broker.health,
      scheduler: this.scheduler,
      runner: this.runner,
      intake: this.intake,
      missingTopic: this.topics.missing,
      ratePerSecond: this.watchdog.rate.perSecond,
      assignments: [...this.assignments.values()],
      now: this.options.clock.now(),
    });
  }

  /**
   * Checks the topics and starts to join the group; `status.ready` becomes true once the consumer is a member.
   * @throws TopicError for a missing source or dead-letter topic, or one with too few partitions; the broker's own error when
   * Kafka can't be reached at all
   */
  async start(): Promise<void> {
    try {
      await this.topics.require();
      await this.broker.start(this);
    } catch (error) {
      // The topic check has opened connections.
      await this.broker.stop();
      throw error;
    }
    if (this.leaving !== undefined) return;
    this.watchdog.start();
    this.topics.start();
  }

  /**
   * Takes no more records, waits for running work (at most `drainTimeoutMs`, then its signals abort), commits and leaves the
   * group. Idempotent.
   */
  async stop(): Promise<DrainReport> {
    if (this.leaving === undefined) {
      this.lifecycle.to('draining');
      this.leaving = this.leave();
    }
    const report = await this.leaving;
    if (this.lifecycle.state === 'draining') this.lifecycle.to('stopped');
    return report;
  }

  /**
   * Changes the in-flight limit at runtime; `auto` starts the search for the best limit. Running records beyond a lower limit
   * are not interrupted.
   * @throws RangeError for a limit that is not an integer of at least 1
   */
  setInFlight(limit: number | 'auto'): void {
    this.limit.set(limit);
    this.resized();
  }

  assigned(partitions: readonly TopicPartition[], kept: boolean): void {
    const wanted = new Map(partitions.map((each) => [partitionName(each), each]));
    const handedOver = this.revoke((name) => !kept || !wanted.has(name));
    const keptCount = this.assignments.size;
    const added: Assignment[] = [];
    for (const [name, { topic, partition }] of wanted)
      if (!this.assignments.has(name)) {
        const assignment = new Assignment(topic, partition);
        this.assignments.set(name, assignment);
        added.push(assignment);
      }
    this.reportRebalance(handedOver);
    this.options.logger.info(
      { partitions: partitions.map(({ partition }) => partition), kept: keptCount },
      'partitions assigned',
    );
    this.rejoining = false;
    if (this.lifecycle.state === 'starting') this.lifecycle.to('running');
    if (this.lifecycle.state !== 'running') return;
    this.runner.hold(false);
    this.committer.resume();
    this.intake.begin(added);
    this.intake.pull();
  }

  async rebalancing(): Promise<void> {
    this.rejoining = true;
    if (this.assignments.size === 0) return;
    if (this.leaving !== undefined) return this.draining;
    this.drained = { finished: this.runner.counts.finished, at: this.options.clock.now() };
    await this.drain();
  }

  lost(error: unknown): void {
    this.options.logger.error(errorDetails(error), 'group membership lost: rejoining the group');
    this.assigned([], false);
  }

  private attempted(outcome: AttemptOutcome, startedAt: number): void {
    const { clock, observer } = this.options;
    // Skip the clock when nothing uses the duration: for a fast record it costs as much as handling the key.
    if (observer?.attempted === undefined && !this.limit.isAuto) return;
    const milliseconds = clock.now() - startedAt;
    observer?.attempted?.(outcome, milliseconds);
    if (this.limit.attempted(outcome, milliseconds)) this.resized();
  }

  private resized(): void {
    this.runner.pump();
    this.intake.pull();
  }

  private halted({ record: { topic, partition, offset } }: Task, cause: unknown): void {
    this.options.logger.error(
      { topic, partition, offset, ...errorDetails(cause) },
      'consumer stops: a record failed for good and onDeadLetter is stop',
    );
    if (this.leaving !== undefined) return;
    this.lifecycle.to('failed');
    this.leaving = this.leave();
    // `stop` rejects with this error; without a call of `stop` it would go unnoticed.
    this.leaving.catch((error: unknown) => this.options.logger.error(errorDetails(error), 'leaving failed'));
  }

  private async leave(): Promise<DrainReport> {
    const before = this.runner.counts.finished;
    await this.drain();
    this.runner.abort(new Error('the consumer is stopping'));
    this.watchdog.stop();
    this.topics.stop();
    await this.broker.stop();
    const report = this.report(
      before,
      this.revoke(() => true),
    );
    this.progress.wake();
    this.options.logger.info(report, `stopped: ${formatDrain(report)}`);
    return report;
  }

  /** Replaces an assignment, so that the records read so far are fenced off, as after a revocation and a new assignment. */
  private replace(assignment: Assignment): Assignment {
    const { topic, partition } = assignment;
    const name = partitionName(assignment);
    this.revoke((each) => each === name);
    const replacement = new Assignment(topic, partition);
    this.assignments.set(name, replacement);
    return replacement;
  }

  /** Revokes assignments. @returns how many records are left to the next owners */
  private revoke(isGone: (name: string) => boolean): number {
    let left = 0;
    for (const [name, assignment] of this.assignments) {
      if (!isGone(name)) continue;
      left += assignment.taken;
      assignment.revoke();
      this.handedOver += this.scheduler.handOver(assignment);
      this.runner.abort(new Error(`partition ${name} was revoked`), assignment);
      this.assignments.delete(name);
    }
    return left;
  }

  private reportRebalance(handedOver: number): void {
    if (this.drained === undefined) return;
    const { finished, at } = this.drained;
    this.drained = undefined;
    const report = this.report(finished, handedOver);
    this.options.logger.info(report, `rebalance: ${formatDrain(report)}`);
    this.options.observer?.rebalanced?.(report, this.options.clock.now() - at);
  }

  private report(finishedBefore: number, handedOver: number): DrainReport {
    const { finished } = this.runner.counts;
    const lost = this.intake.taken - finished - this.handedOver - this.scheduler.taken;
    return { finished: finished - finishedBefore, handedOver, lost };
  }

  /** Runs one drain at a time: a stop during a rebalance waits for the same drain, and vice versa. */
  private async drain(): Promise<void> {
    this.draining ??= this.drainOnce();
    await this.draining;
    this.draining = undefined;
  }

  private async drainOnce(): Promise<void> {
    const { clock, drainTimeoutMs } = this.options;
    const deadline = clock.now() + drainTimeoutMs;
    this.runner.hold(true);
    // A timed commit while joining could store the old generation's offsets in the new generation.
    this.committer.hold();
    this.progress.wake();
    while (this.scheduler.running > 0 && clock.now() < deadline)
      await this.progress.wait(clock, deadline - clock.now());
    await this.committer.commit();
  }
}

function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
