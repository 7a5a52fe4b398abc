import type { LogProblem, ReadPosition } from '../broker/broker.js';
import type { TopicLog } from './topic-log.js';

/** Errors after which another node may lead the partition, or the topic may have been recreated. */
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
 * Determines why a fetch at this position failed.
 * @param code the protocol name of the fetch error, such as `OFFSET_OUT_OF_RANGE`
 * @returns undefined when the log is intact: the same read can be retried
 * @throws when no node responds
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

/** Requests the id twice, of any nodes: just after a topic was recreated, a node may still return the old id. */
async function confirmedId(log: TopicLog): Promise<string | undefined> {
  await log.refresh();
  const first = await log.topicId();
  await log.refresh();
  return first === (await log.topicId()) ? first : undefined;
}
