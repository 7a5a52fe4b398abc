import { errorCode } from './failure.js';
import { TaskRunner } from './attempts/task-runner.js';
import { statusOf } from './engine-status.js';
import type { Broker, BrokerListener, TopicPartition } from './kafka/broker.js';
import { Lifecycle } from './lifecycle.js';
import type { AttemptOutcome } from './observer.js';
import { Assignment, type Task } from './assignment.js';
import { Committer } from './offsets/committer.js';
import { resolveOptions, type ParallelConsumerOptions, type ResolvedOptions } from './options.js';
import { drainInWords, type DrainReport, type ParallelConsumerStatus } from './status.js';
import { checkTopics } from './topic-check.js';
import { Watchdog } from './watchdog.js';
import { InFlightLimit } from './window/in-flight-limit.js';
import { Intake } from './window/intake.js';
import { Scheduler } from './window/scheduler.js';
import { ConditionVariable } from './window/condition-variable.js';

/** Heartbeats are a second apart. After this nothing more is taken until the coordinator answers again; what runs goes on. */
const OUT_OF_TOUCH_MS = 2_500;

/**
 * Runs a handler over a topic with many records in flight, and commits an offset only when all before it are finished.
 *
 * Guarantees: at least once, whatever crashes; order as `ordering` says; memory bounded by `maxBuffered` and `maxBytes`; no
 * record skipped because its environment was away. Not guaranteed: exactly once (a crash repeats what was in flight, and
 * what finished since the last commit).
 */
export class ParallelConsumer implements BrokerListener {
  private readonly options: ResolvedOptions;
  private readonly lifecycle = new Lifecycle();
  private readonly scheduler: Scheduler;
  private readonly limit: InFlightLimit;
  private readonly runner: TaskRunner;
  private readonly intake: Intake;
  private readonly committer: Committer;
  private readonly watch: Watchdog;
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
      isInTouch: () => this.options.clock.now() - broker.health.lastContactAt < OUT_OF_TOUCH_MS,
      replace: (assignment) => this.replace(assignment),
    });
    this.committer = new Committer(this.options, broker, all);
    this.watch = new Watchdog(this.options, this.runner, all, () => this.intake.pull());
  }

  get status(): ParallelConsumerStatus {
    return statusOf({
      state: this.lifecycle.state,
      health: this.broker.health,
      scheduler: this.scheduler,
      runner: this.runner,
      intake: this.intake,
      ratePerSecond: this.watch.rate.perSecond,
      assignments: [...this.assignments.values()],
      now: this.options.clock.now(),
    });
  }

  /**
   * Checks the topics and begins to join the group; `status.ready` is true once it is a member.
   * @throws TopicError for a missing source or dead-letter topic, or one with too few partitions; what the broker throws when it
   * can't be reached at all
   */
  async start(): Promise<void> {
    try {
      this.runner.deadLetters.partitions = (await checkTopics(this.broker, this.options)) ?? Number.POSITIVE_INFINITY;
      await this.broker.start(this);
    } catch (error) {
      // Its connections are open by then.
      await this.broker.stop();
      throw error;
    }
    if (this.leaving === undefined) this.watch.start();
  }

  /**
   * Takes nothing more, lets running work end (at most `drainTimeoutMs`, then its signals abort), commits it and leaves the
   * group. Calling it again is harmless.
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

  /** A new limit from now on, or `auto`: it is then searched for. What runs beyond a lower one is let end. @throws RangeError */
  setInFlight(limit: number | 'auto'): void {
    this.limit.set(limit);
    this.resized();
  }

  assigned(partitions: readonly TopicPartition[], kept: boolean): void {
    const wanted = new Map(partitions.map((each) => [nameOf(each), each]));
    const handedOver = this.revoke((name) => !kept || !wanted.has(name));
    const goOn = this.assignments.size;
    const added: Assignment[] = [];
    for (const [name, { topic, partition }] of wanted)
      if (!this.assignments.has(name)) {
        const assignment = new Assignment(topic, partition);
        this.assignments.set(name, assignment);
        added.push(assignment);
      }
    this.reportRebalance(handedOver);
    this.options.logger.info(
      { partitions: partitions.map(({ partition }) => partition), kept: goOn },
      'partitions assigned',
    );
    this.rejoining = false;
    if (this.lifecycle.state === 'starting') this.lifecycle.to('running');
    if (this.lifecycle.state !== 'running') return;
    this.runner.hold(false);
    this.committer.resume();
    void this.intake.begin(added);
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
    this.options.logger.error({ reason: String(error) }, 'membership lost: joining the group anew');
    this.assigned([], false);
  }

  private attempted(outcome: AttemptOutcome, startedAt: number): void {
    const { clock, observer } = this.options;
    // Reading the clock for nobody costs a fast record as much as its key does.
    if (observer?.attempted === undefined && !this.limit.isSearched) return;
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
      { topic, partition, offset, code: errorCode(cause), reason: String(cause) },
      'a record can not be handled, and may not be dead-lettered: the consumer stops',
    );
    if (this.leaving !== undefined) return;
    this.lifecycle.to('failed');
    this.leaving = this.leave();
    // Whoever calls `stop` gets its error; without anybody it is told here.
    this.leaving.catch((error: unknown) => this.options.logger.error({ reason: String(error) }, 'not left cleanly'));
  }

  private async leave(): Promise<DrainReport> {
    const before = this.runner.counts.finished;
    await this.drain();
    this.runner.abort(new Error('the consumer stops'));
    this.watch.stop();
    await this.broker.stop();
    const report = this.report(
      before,
      this.revoke(() => true),
    );
    this.progress.wake();
    this.options.logger.info(report, `stopped: ${drainInWords(report)}`);
    return report;
  }

  /** Fences all that was read of the partition off, as if it had gone and come back. */
  private replace(assignment: Assignment): Assignment {
    const { topic, partition } = assignment;
    const name = nameOf(assignment);
    this.revoke((each) => each === name);
    const replacement = new Assignment(topic, partition);
    this.assignments.set(name, replacement);
    return replacement;
  }

  /** @returns how many records are left to the next owners */
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
    this.options.logger.info(report, `rebalance: ${drainInWords(report)}`);
    this.options.observer?.rebalanced?.(report, this.options.clock.now() - at);
  }

  private report(finishedBefore: number, handedOver: number): DrainReport {
    const { finished } = this.runner.counts;
    const lost = this.intake.taken - finished - this.handedOver - this.scheduler.taken;
    return { finished: finished - finishedBefore, handedOver, lost };
  }

  /** One at a time: a stop in a rebalance waits for the same work, and the other way round. */
  private async drain(): Promise<void> {
    this.draining ??= this.drainOnce();
    await this.draining;
    this.draining = undefined;
  }

  private async drainOnce(): Promise<void> {
    const { clock, drainTimeoutMs } = this.options;
    const deadline = clock.now() + drainTimeoutMs;
    this.runner.hold(true);
    // Not while joining: a timed commit could land in the new generation with the old one's offsets.
    this.committer.hold();
    this.progress.wake();
    while (this.scheduler.running > 0 && clock.now() < deadline)
      await this.progress.wait(clock, deadline - clock.now());
    await this.committer.commit();
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
