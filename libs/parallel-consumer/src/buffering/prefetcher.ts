import { backOffMs, pause } from '@orders-pipeline/clock';
import type { AttemptSettings } from '../attempts/attempt-options.js';
import type { Broker, CommittedPosition, FetchedBatch, LogProblem } from '../broker/broker.js';
import { decodeCompletedOffsets } from '../commits/completed-offsets.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import { errorDetails } from '../failures/failure.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import type { ConsumedRecord } from '../records/record.js';
import { continueAfter, type Continuation } from './log-problems.js';
import type { LogSettings } from './log-options.js';

/** What the prefetcher needs from the rest of the engine. */
export interface PrefetchOwner {
  /** Replaces the assignment by a new one of the same partition, on which `begin` was not called yet. */
  replace(assignment: Assignment): Assignment;
  /** Called when a partition has more records to take. */
  fetched(): void;
}

/** Reads the assigned partitions into their buffers, from the committed offset on, and at most two fetches ahead. */
export class Prefetcher {
  constructor(
    private readonly options: LogSettings & RuntimeSettings & Pick<AttemptSettings, 'environmentBackOff'>,
    private readonly broker: Broker,
    private readonly owner: PrefetchOwner,
  ) {}

  /** Requests the committed offsets of these partitions from the coordinator, and starts reading there. Retries with back-off. */
  async begin(assignments: readonly Assignment[]): Promise<void> {
    for (const assignment of assignments) assignment.requestedSince = this.options.clock.now();
    for (let failures = 1; ; failures += 1) {
      const open = assignments.filter(({ begun, revoked }) => !begun && !revoked);
      if (open.length === 0) return;
      const { clock, environmentBackOff, logger, random } = this.options;
      if (failures > 1) await pause(clock, backOffMs(environmentBackOff, failures - 1, random));
      try {
        for (const position of await this.broker.committed(open)) {
          const assignment = open.find(
            ({ partition, topic }) => partition === position.partition && topic === position.topic,
          );
          if (assignment !== undefined && !assignment.revoked) this.beginAt(assignment, position);
        }
      } catch (error) {
        logger.warn(errorDetails(error), 'committed offsets could not be read: retrying');
      }
    }
  }

  /** Reads while the buffer has room. */
  async read(assignment: Assignment): Promise<void> {
    if (assignment.isReading) return;
    assignment.isReading = true;
    const { topic, partition, epochs } = assignment;
    while (!assignment.revoked && assignment.stopped === undefined && assignment.buffer.hasRoom) {
      const { nextRead: offset, logId } = assignment;
      const answer = await this.broker.read({ topic, partition, offset, logId, leaderEpoch: epochs.at(offset - 1) });
      // The assignment may have been revoked or stopped during the read.
      if (answer === undefined || assignment.revoked || assignment.stopped !== undefined) break;
      if (answer.type === 'records') this.bufferBatch(assignment, answer);
      else this.resolveProblem(assignment, answer);
    }
    assignment.isReading = false;
  }

  private beginAt(assignment: Assignment, { offset, from, metadata, logId, leaderEpoch }: CommittedPosition): void {
    const map = decodeCompletedOffsets(metadata, from);
    assignment.begin({
      offset: from,
      committed: offset,
      logId: map?.logId ?? logId,
      leaderEpoch,
      finished: map?.finished ?? [],
      epochs: map?.epochs ?? [],
    });
    void this.read(assignment);
  }

  private bufferBatch(assignment: Assignment, batch: FetchedBatch): void {
    assignment.highWatermark = batch.highWatermark;
    assignment.lastStableOffset = batch.lastStableOffset;
    assignment.nextRead = batch.lastOffset + 1;
    this.verifyCompleted(assignment, batch);
    assignment.buffer.push(batch, this.options.clock.now());
    this.owner.fetched();
  }

  /** Handles records again that are not those that the previous owner completed: the log was truncated there and written anew. */
  private verifyCompleted({ topic, partition, tracker, epochs }: Assignment, batch: FetchedBatch): void {
    const offset = epochs.add(batch.epochs, batch.lastOffset + 1);
    if (offset === undefined || !tracker.forgetCompletedFrom(offset)) return;
    this.options.logger.warn(
      { topic, partition, offset },
      'completed offsets dropped: the log has records of another leader epoch, which are handled',
    );
  }

  private resolveProblem(assignment: Assignment, problem: LogProblem): void {
    const next = continueAfter(problem, assignment, this.options);
    if (next === undefined) return;
    if (next.restart) return this.restart(this.owner.replace(assignment), next);
    // The skipped range comes after the buffered records, which are still to be taken.
    this.bufferBatch(assignment, emptyBatchUpTo(assignment, next.offset));
  }

  private restart(assignment: Assignment, { offset, logId }: Continuation): void {
    assignment.begin({ offset, committed: undefined, logId, leaderEpoch: undefined, finished: [] });
    void this.read(assignment);
  }
}

/** Creates a fetch without records, for offsets that Kafka no longer has. @param to end of the range, exclusive */
function emptyBatchUpTo(assignment: Assignment, to: number): FetchedBatch {
  const { topic, partition, nextRead: fetchOffset, highWatermark, lastStableOffset } = assignment;
  const records: ConsumedRecord[] = [];
  return {
    type: 'records',
    topic,
    partition,
    records: records.values(),
    fetchOffset,
    lastOffset: to - 1,
    highWatermark,
    lastStableOffset,
    epochs: [],
  };
}
