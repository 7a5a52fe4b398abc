import type { LogProblem, ReadPosition } from './broker.js';
import type { TopicLog } from './topic-log.js';

/** After these another node may lead the partition, or the topic is not the one that was asked for. */
const MOVED = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
]);

/**
 * Finds out what became of the log at a position whose fetch failed.
 * @param code the error of the fetch, by the name that Kafka's protocol gives it
 * @returns undefined when the log is still there: the same read may be tried again
 * @throws when no node answers
 */
export async function findProblem(
  log: TopicLog,
  { partition, offset, logId }: ReadPosition,
  code: string,
): Promise<LogProblem | undefined> {
  if (code === 'OFFSET_OUT_OF_RANGE') {
    const earliest = await log.edge(partition, 'earliest');
    if (offset < earliest) return { type: 'deleted', earliest };
    const end = await log.edge(partition, 'end');
    if (offset > end) return { type: 'truncated', end, epoch: undefined };
  }
  if (MOVED.has(code)) {
    const now = await confirmedId(log);
    if (now !== undefined && now !== logId)
      return { type: 'recreated', logId: now, earliest: await log.edge(partition, 'earliest') };
  }
  return undefined;
}

/** Asks twice, of any two nodes: just after a topic was created again, one may still know the one before. */
async function confirmedId(log: TopicLog): Promise<string | undefined> {
  await log.refresh();
  const first = await log.topicId();
  await log.refresh();
  return first === (await log.topicId()) ? first : undefined;
}
