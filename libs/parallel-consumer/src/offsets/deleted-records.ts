import type { ResolvedOptions } from '../options.js';
import type { Assignment } from '../assignment.js';

/**
 * Kafka no longer has the records at a partition's position: tells which, and does as `onDeletedRecords` says.
 * @param committed what the group has committed for it
 * @param earliest the first offset that is left; `undefined`: not learnt, and then nothing is skipped
 * @returns whether to go on there
 */
export function goesOnBehindDeleted(
  assignment: Assignment,
  committed: number | undefined,
  earliest: number | undefined,
  { logger, onDeletedRecords }: ResolvedOptions,
): boolean {
  const { topic, partition, begun, frontier } = assignment;
  const from = begun ? frontier.next : (committed ?? 0);
  // A kept partition is fetched again from what was committed; what is gone was taken before that.
  if (begun && earliest !== undefined && earliest <= from) return true;
  const range = { from, to: earliest ?? from };
  const skip = onDeletedRecords === 'skip' && earliest !== undefined;
  logger.error(
    { topic, partition, ...range },
    skip
      ? 'Kafka deleted records before they were read: going on behind them'
      : "Kafka deleted records before they were read: nothing more is taken from this partition; onDeletedRecords: 'skip' goes on behind them",
  );
  if (skip) frontier.skipTo(earliest);
  else assignment.deleted = range;
  return skip;
}
