import { errorDetails } from './failures/failure.js';
import { StartedBeforeError } from './failures/started-before.js';
import { aBroker } from './checks/value-checks.js';
import { TaskRunner } from './attempts/task-runner.js';
import { collectStatus } from './status/engine-status.js';
import type { Broker } from './broker/broker.js';
import { Lifecycle } from './status/lifecycle.js';
import type { AttemptOutcome } from './events/observer.js';
import { AssignedPartitions } from './rebalance/assigned-partitions.js';
import { Drain } from './rebalance/drain.js';
import { RebalanceHandler } from './rebalance/rebalance-handler.js';
import type { Assignment, Task } from './partition/assignment-and-tasks.js';
import { Committer } from './commits/committer.js';
import { resolveOptions, type ParallelConsumerOptions, type ParallelConsumerSettings } from './options.js';
import { formatDrain, type DrainReport } from './events/drain-report.js';
import type { ParallelConsumerStatus } from './status/status.js';
import { TopicWatch } from './topics/topic-watch.js';
import { Watchdog } from './attempts/watchdog.js';
import { InFlightLimit } from './window/in-flight-limit.js';
import { WindowFiller } from './buffering/window-filler.js';
import { Pauses, type PauseScope } from './window/pauses.js';
import { Scheduler } from './window/scheduler.js';
import { InFlightLog } from './status/in-flight-log.js';

/** How long a stop waits for the end of a rebalance that has rejected its commit. */
const COMMIT_AGAIN_MS = 2_000;

/**
 * Runs a handler over one or several topics with many records in flight, and commits an offset only when all records before it are finished.
 *
 * Guarantees: at-least-once processing, also after a crash; order as defined by `ordering`; memory bounded by `maxBuffered` and
 * `maxBytes`; no record is skipped because a dependency was unavailable. Not guaranteed: exactly-once processing (a crash
 * repeats the records that were in flight and those that finished after the last commit).
 */
export class ParallelConsumer {
  private readonly options: ParallelConsumerSettings;
  private readonly lifecycle = new Lifecycle();
  private readonly pauses: Pauses;
  private readonly scheduler: Scheduler;
  private readonly limit: InFlightLimit;
  private readonly runner: TaskRunner;
  private readonly filler: WindowFiller;
  private readonly committer: Committer;
  private readonly watchdog: Watchdog;
  private readonly topics: TopicWatch;
  private readonly assignments: AssignedPartitions;
  private readonly drain: Drain;
  private readonly rebalanceHandler: RebalanceHandler;
  private leaving: Promise<DrainReport> | undefined;
  private hasStarted = false;

  /** @throws TypeError or RangeError that names a wrong, missing or unknown option */
  constructor(
    options: ParallelConsumerOptions,
    private readonly broker: Broker,
  ) {
    aBroker('broker', broker);
    this.options = resolveOptions(options, broker.topics, broker.rebalanceTimeoutMs);
    const all = (): Iterable<Assignment> => this.assignments.all();
    this.pauses = new Pauses(broker.topics);
    const window = InFlightLimit.windowFor(this.options, 1);
    this.scheduler = new Scheduler(this.options.ordering, window, this.pauses);
    this.limit = new InFlightLimit(this.options, this.scheduler);
    this.runner = new TaskRunner(this.options, this.scheduler, broker, {
      progressed: () => {
        this.drain.progressed();
        if (this.scheduler.hasSlack()) this.filler.pullSoon();
      },
      handedOver: (count) => {
        this.assignments.handedOver += count;
      },
      attempted: (outcome, startedAt) => this.attempted(outcome, startedAt),
      halted: (task, cause) => this.halted(task, cause),
    });
    this.assignments = new AssignedPartitions(this.scheduler, this.runner);
    this.filler = new WindowFiller(this.options, broker, this.scheduler, this.runner, {
      assignments: all,
      takes: (assignment) => this.rebalanceHandler.takes(assignment),
      isInContact: () => this.options.clock.now() < broker.startsUntil,
      replace: (assignment) => this.assignments.replace(assignment),
    });
    this.committer = new Committer(this.options, broker, all);
    const { scheduler, runner, filler, committer, assignments, lifecycle } = this;
    const parts = { scheduler, runner, filler, committer, assignments };
    this.drain = new Drain(this.options, parts);
    const isLeaving = (): boolean => this.leaving !== undefined;
    this.rebalanceHandler = new RebalanceHandler(this.options, { ...parts, lifecycle, drain: this.drain, isLeaving });
    this.topics = new TopicWatch(this.options, broker, this.runner.deadLetters);
    const inFlightLog = new InFlightLog(this.options.logger);
    this.watchdog = new Watchdog(this.options, this.runner, this.scheduler, all, () => {
      // What the lost contact to the group kept from starting.
      this.runner.pump();
      this.filler.pull();
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
      filler: this.filler,
      missingTopic: this.topics.missing,
      paused: this.pauses.all,
      ratePerSecond: this.watchdog.rate.perSecond,
      assignments: [...this.assignments.all()],
      now: this.options.clock.now(),
    });
  }

  /**
   * Checks the topics and starts to join the group; `status.ready` becomes true once the consumer is a member.
   * @throws TopicError for a missing source or dead-letter topic, or one with too few partitions; the broker's own error when
   * Kafka can't be reached at all; StartedBeforeError for a second call, also after a failed one or after `stop`
   */
  async start(): Promise<void> {
    if (this.hasStarted || this.leaving !== undefined) throw new StartedBeforeError();
    this.hasStarted = true;
    try {
      await this.topics.require();
      await this.broker.start(this.rebalanceHandler);
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

  /**
   * Starts no new attempts of all records, of a topic, of a key, or of a key in a topic, until `resume` is called with the same scope. The
   * consumer stays in its group and ready.
   *
   * Guarantees: no attempt of a paused record begins after the call, retries and dead letters included; running ones end. The order of keys
   * is kept. Time limits do not count meanwhile. Not guaranteed: that other records go on for ever. Those that are taken behind a paused key
   * stay in memory and uncommitted, until `maxBuffered` or `maxUncommittedOffsets` is reached. A pause is lost with the process, and does
   * not apply to other members of the group.
   * @throws TypeError for a wrong scope, or a topic that the broker does not read
   */
  pause(scope: PauseScope = {}): void {
    if (this.pauses.add(scope)) this.options.logger.info({ ...scope, key: scope.key?.toString() }, 'paused');
  }

  /** Undoes a `pause` of the same scope: without one, that of all records, while paused topics and keys stay so. @throws like `pause` */
  resume(scope: PauseScope = {}): void {
    if (!this.pauses.remove(scope)) return;
    this.options.logger.info({ ...scope, key: scope.key?.toString() }, 'resumed');
    this.scheduler.resume();
    this.resized();
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
    this.filler.pull();
  }

  private halted({ record: { topic, partition, offset } }: Task, cause: unknown): void {
    this.options.logger.error(
      { topic, partition, offset, ...errorDetails(cause) },
      'consumer stops: a record failed permanently and onDeadLetter is stop',
    );
    if (this.leaving !== undefined) return;
    this.lifecycle.to('failed');
    this.leaving = this.leave();
    // `stop` rejects with this error; without a call of `stop` it would go unnoticed.
    this.leaving.catch((error: unknown) => this.options.logger.error(errorDetails(error), 'leaving failed'));
  }

  private async leave(): Promise<DrainReport> {
    const before = { ...this.runner.counts };
    await this.drain.run();
    // A rebalance of a cooperative group may have rejected the commit. Its assignment accepts it.
    if (this.committer.hasUncommitted) {
      await this.rebalanceHandler.assignedWithin(COMMIT_AGAIN_MS);
      await this.committer.commit();
    }
    this.runner.abort(new Error('the consumer is stopping'));
    this.watchdog.stop();
    this.topics.stop();
    await this.broker.stop();
    const report = this.drain.report(before, this.assignments.revokeAll());
    this.runner.stop();
    this.drain.progressed();
    const { finished: finishedSinceStart, deadLettered: deadLetteredSinceStart } = this.runner.counts;
    const text = `stopped: finished ${finishedSinceStart} since the start (${deadLetteredSinceStart} dead-lettered); ${formatDrain(report)}`;
    this.options.logger.info({ ...report, finishedSinceStart, deadLetteredSinceStart }, text);
    return report;
  }
}
