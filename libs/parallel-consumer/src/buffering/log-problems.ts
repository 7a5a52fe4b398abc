import type { LogSettings } from './log-options.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import type { LogProblem } from '../broker/broker.js';
import type { UnreadableReason, UnreadableRecordsError } from '../records/unreadable-records.js';
import type { StoppedPartition } from '../partition/stopped-partition.js';

/** Where to continue after a problem. `restart`: the log has other records now, so the state of the old log is discarded. */
export interface Continuation {
  readonly offset: number;
  readonly logId: string;
  readonly restart: boolean;
}

/**
 * Logs a problem of a partition's log, and continues or stops the partition according to `onDeletedRecords` and `onTruncatedLog`.
 * @returns where to continue; undefined when the partition is stopped
 */
export function continueAfter(
  problem: LogProblem,
  assignment: Assignment,
  { logger, onDeletedRecords, onTruncatedLog }: LogSettings & RuntimeSettings,
): Continuation | undefined {
  const { topic, partition, tracker, logId } = assignment;
  const shouldContinue = problem.type === 'deleted' ? onDeletedRecords === 'skip' : onTruncatedLog === 'reset';
  const stopped = describe(problem, assignment);
  const { reason, from, to } = stopped;
  logger.error(
    { topic, partition, reason, from, to },
    shouldContinue ? `${stopped.message}: continuing` : `${stopped.message}: the partition is stopped`,
  );
  if (!shouldContinue) {
    // Records that were read before their deletion are still processed.
    if (problem.type === 'deleted') assignment.stopReading(stopped);
    else assignment.stop(stopped);
    return undefined;
  }
  switch (problem.type) {
    case 'deleted':
      return { offset: problem.earliest, logId, restart: false };
    case 'truncated':
      // The log still has the unfinished records below its new end: they are read again.
      return { offset: Math.min(tracker.committable, stopped.from), logId, restart: true };
    case 'recreated':
      return { offset: problem.earliest, logId: problem.logId, restart: true };
  }
}

const DELETE = "Delete it with kafka-delete-records, then start the consumer again with onDeletedRecords: 'skip'";
const REMEDIES: Readonly<Record<UnreadableReason, string>> = {
  'corrupt-records': DELETE,
  'unsupported-codec': DELETE,
  'unsupported-format':
    'They are intact: copy the topic with a current client, such as MirrorMaker, and consume the copy',
  'batch-too-large': 'Raise maxDecompressedBytes of the broker above its size, then start the consumer again',
};

/** Stops a partition at an unreadable record batch; the records before it are still processed. */
export function stopAtUnreadable(
  { code, offset, message }: UnreadableRecordsError,
  assignment: Assignment,
  { logger }: RuntimeSettings,
): void {
  const { topic, partition, tracker } = assignment;
  const from = Math.max(tracker.next, offset);
  logger.error({ topic, partition, offset: from, reason: code }, `${message}: the partition is stopped`);
  assignment.stop({
    reason: code,
    from,
    to: from + 1,
    message: `${message}. ${REMEDIES[code]}`,
  });
}

function describe(problem: LogProblem, { nextRead: next, epochs }: Assignment): StoppedPartition {
  switch (problem.type) {
    case 'deleted':
      return {
        reason: 'deleted-records',
        from: next,
        to: problem.earliest,
        message: "Kafka deleted records before they were read; onDeletedRecords: 'skip' continues after them",
      };
    case 'truncated':
      return {
        reason: 'truncated-log',
        from: Math.min(next, problem.end, epochs.startAbove(problem.epoch)),
        to: next,
        message: "the log lost records that were read; onTruncatedLog: 'reset' continues at its end",
      };
    case 'recreated':
      return {
        reason: 'recreated-topic',
        from: problem.earliest,
        to: next,
        message: "the topic was deleted and created again; onTruncatedLog: 'reset' starts at its first record",
      };
  }
}
