import { partitionName, type BrokerListener, type TopicPartition } from '../broker/broker.js';
import { formatDrain } from '../events/drain-report.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import { errorDetails } from '../failures/failure.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import { ConditionVariable } from '../structures/condition-variable.js';
import type { Lifecycle } from '../status/lifecycle.js';
import type { Drain, DrainedParts, FinishedCounts } from './drain.js';

/** The parts of the engine that a rebalance pauses and resumes. */
export interface RebalanceParts extends DrainedParts {
  readonly lifecycle: Lifecycle;
  readonly drain: Drain;
  /** Whether the consumer leaves the group. */
  readonly isLeaving: () => boolean;
}

/** Drains before each rebalance, or only the partitions that leave, and resumes with the new assignments after it. */
export class RebalanceHandler implements BrokerListener {
  private rejoining = false;
  private readonly nextAssignment = new ConditionVariable();
  private drained: { readonly before: FinishedCounts; readonly at: number } | undefined;

  constructor(
    private readonly options: RuntimeSettings,
    private readonly parts: RebalanceParts,
  ) {}

  /** Whether records of the assignment may be taken now. */
  takes(assignment: Assignment): boolean {
    return !assignment.revoked && !this.rejoining && this.parts.lifecycle.state === 'running';
  }

  assigned(partitions: readonly TopicPartition[], kept: boolean, generation: number): void {
    const { assignments, committer, filler, lifecycle, runner } = this.parts;
    const change = assignments.assign(partitions, kept, generation);
    this.report(change.left);
    this.options.logger.info({ partitions: partitions.map(partitionName), kept: change.kept }, 'partitions assigned');
    this.rejoining = false;
    this.nextAssignment.wake();
    if (lifecycle.state === 'starting') lifecycle.to('running');
    if (lifecycle.state !== 'running') return;
    runner.setDraining(false);
    committer.resume();
    filler.begin(change.added);
    filler.pull();
  }

  /** Resolves at the next assignment, or after this time. */
  async assignedWithin(milliseconds: number): Promise<void> {
    await this.nextAssignment.wait(this.options.clock, milliseconds);
  }

  async rebalancing(): Promise<void> {
    const { assignments, drain, isLeaving, runner } = this.parts;
    this.rejoining = true;
    if (assignments.size === 0) return;
    if (isLeaving()) return drain.current;
    this.drained = { before: { ...runner.counts }, at: this.options.clock.now() };
    await drain.run();
  }

  async surrendering(partitions: readonly TopicPartition[]): Promise<void> {
    const { assignments, drain, isLeaving, runner } = this.parts;
    if (isLeaving()) return drain.current;
    this.drained = { before: { ...runner.counts }, at: this.options.clock.now() };
    await drain.surrender(assignments.of(partitions));
  }

  lost(error: unknown): void {
    this.options.logger.error(errorDetails(error), 'group membership lost: rejoining the group');
    this.report(this.parts.assignments.revokeAll());
    this.nextAssignment.wake();
  }

  private report(left: number): void {
    if (this.drained === undefined) return;
    const { clock, logger, observer, tracer } = this.options;
    const { before, at } = this.drained;
    this.drained = undefined;
    const report = this.parts.drain.report(before, left);
    logger.info(report, `rebalance: ${formatDrain(report)}`);
    const milliseconds = clock.now() - at;
    observer?.rebalanced?.(report, milliseconds);
    tracer?.rebalanced?.(report, milliseconds);
  }
}
