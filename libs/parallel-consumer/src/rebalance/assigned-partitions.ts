import type { TaskRunner } from '../attempts/task-runner.js';
import { partitionName, type TopicPartition } from '../broker/broker.js';
import { Assignment } from '../partition/assignment-and-tasks.js';
import type { Scheduler } from '../window/scheduler.js';

/** More ownerships than a member begins in one generation of its group, and few enough for exact numbers: 2^31 generations x 2^21 < 2^53. */
const FENCES_PER_GENERATION = 2 ** 21;

/** The result of an assignment. */
export interface AssignmentChange {
  readonly added: readonly Assignment[];
  /** Number of partitions that this member kept. */
  readonly kept: number;
  /** Number of records that are left to the next owners of lost partitions. */
  readonly left: number;
}

/** The partitions that this member owns. A lost one is fenced off: its records that have not finished are left to the next owner. */
export class AssignedPartitions {
  /** Records handed over since the start. */
  handedOver = 0;
  private readonly assignments = new Map<string, Assignment>();
  private generation = 0;
  /** Ownerships that began in this generation. */
  private begun = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly runner: TaskRunner,
  ) {}

  get size(): number {
    return this.assignments.size;
  }

  all(): Iterable<Assignment> {
    return this.assignments.values();
  }

  /** Returns the assignments of these partitions, as far as this member owns them. */
  of(partitions: readonly TopicPartition[]): Assignment[] {
    return partitions.flatMap((each) => this.assignments.get(partitionName(each)) ?? []);
  }

  /**
   * Replaces the owned partitions.
   * @param kept false when another member may have worked on all of them in between
   * @param generation of the group
   */
  assign(partitions: readonly TopicPartition[], kept: boolean, generation: number): AssignmentChange {
    if (generation !== this.generation) this.begun = 0;
    this.generation = generation;
    const wanted = new Map(partitions.map((each) => [partitionName(each), each]));
    const left = this.revoke((name) => !kept || !wanted.has(name));
    const keptCount = this.assignments.size;
    const added: Assignment[] = [];
    for (const [name, { topic, partition }] of wanted)
      if (!this.assignments.has(name)) {
        const assignment = new Assignment(topic, partition, this.nextFence());
        this.assignments.set(name, assignment);
        added.push(assignment);
      }
    return { added, kept: keptCount, left };
  }

  /** Replaces an assignment, so that the records read so far are fenced off, as after a revocation and a new assignment. */
  replace(assignment: Assignment): Assignment {
    const { topic, partition } = assignment;
    const name = partitionName(assignment);
    this.revoke((each) => each === name);
    const replacement = new Assignment(topic, partition, this.nextFence(), assignment.isIdle ? undefined : assignment);
    replacement.isLeaving = assignment.isLeaving;
    this.assignments.set(name, replacement);
    return replacement;
  }

  /** Revokes all assignments. @returns how many records are left to the next owners */
  revokeAll(): number {
    return this.revoke(() => true);
  }

  private nextFence(): number {
    this.begun += 1;
    return this.generation * FENCES_PER_GENERATION + this.begun;
  }

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
}
