import type { Assignment } from '../assignment.js';
import type { LogProblem } from '../kafka/broker.js';
import type { ResolvedOptions } from '../options.js';
import type { UnreadableRecordsError } from '../records/unreadable-records.js';
import type { StoppedPartition } from './stopped-partition.js';

/** Where to read on after a problem; `restart`: in a log that has other records, so that nothing of the old one counts. */
export interface Continuation {
  readonly offset: number;
  readonly logId: string;
  readonly restart: boolean;
}

/**
 * Reports what a log no longer has at the position of a partition, and decides by `onDeletedRecords` and `onTruncatedLog`.
 * @returns where to read on; undefined: nowhere, the partition is stopped
 */
export function continueAfter(
  problem: LogProblem,
  assignment: Assignment,
  { logger, onDeletedRecords, onTruncatedLog }: ResolvedOptions,
): Continuation | undefined {
  const { topic, partition, tracker, logId } = assignment;
  const goOn = problem.type === 'deleted' ? onDeletedRecords === 'skip' : onTruncatedLog === 'reset';
  const stopped = describe(problem, assignment);
  const { reason, from, to } = stopped;
  logger.error(
    { topic, partition, reason, from, to },
    goOn ? `${stopped.message}: reading on behind it` : `${stopped.message}: the partition is stopped`,
  );
  if (!goOn) {
    // Records that were read before they were deleted are still good.
    if (problem.type === 'deleted') assignment.stopReading(stopped);
    else assignment.stop(stopped);
    return undefined;
  }
  switch (problem.type) {
    case 'deleted':
      return { offset: problem.earliest, logId, restart: false };
    case 'truncated':
      // Unfinished records below the end are still in the log: they are read again.
      return { offset: Math.min(tracker.committable, stopped.from), logId, restart: true };
    case 'recreated':
      return { offset: problem.earliest, logId: problem.logId, restart: true };
  }
}

/** Stops a partition at a record batch that can't be read; what came before it is still worked through. */
export function stopAtUnreadable(
  { code, offset, message }: UnreadableRecordsError,
  assignment: Assignment,
  { logger }: ResolvedOptions,
): void {
  const { topic, partition, tracker } = assignment;
  const from = Math.max(tracker.next, offset);
  logger.error({ topic, partition, offset: from, reason: code }, `${message}: the partition is stopped`);
  assignment.stop({
    reason: code,
    from,
    to: from + 1,
    message: `${message}. Delete it with kafka-delete-records, then start the consumer again with onDeletedRecords: 'skip'`,
  });
}

function describe(problem: LogProblem, { nextRead: next, epochs }: Assignment): StoppedPartition {
  switch (problem.type) {
    case 'deleted':
      return {
        reason: 'deleted-records',
        from: next,
        to: problem.earliest,
        message: "Kafka deleted records before they were read; onDeletedRecords: 'skip' goes on behind them",
      };
    case 'truncated':
      return {
        reason: 'truncated-log',
        from: Math.min(next, problem.end, epochs.startAbove(problem.epoch)),
        to: next,
        message: "the log lost records that were read; onTruncatedLog: 'reset' goes on at its end",
      };
    case 'recreated':
      return {
        reason: 'recreated-topic',
        from: problem.earliest,
        to: next,
        message: "the topic was deleted and created again; onTruncatedLog: 'reset' begins at its first record",
      };
  }
}
