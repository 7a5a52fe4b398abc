import { isObject } from '../checks/value-checks.js';
import type { TopicPartition } from '../broker/broker.js';
import type { TopicLogs } from './topic-logs.js';

/**
 * Where a partition is read from if the group has committed nothing for it.
 * - `earliest`: its first record.
 * - `latest`: records that are written after the member has read where the partition ends, right after its assignment. A member that is ready
 *   has done so for its first partitions, except for those whose leader does not respond.
 * - `timestamp`: the first record with this timestamp or a later one, in ms since 1970; behind the last record if there is none.
 * - `offsets`: the offset of each partition, of a broker of one topic. Partitions that are not named begin at their first record.
 *
 * The position is committed with the first commit, so that a restart does not choose another one.
 */
export type StartAt =
  | 'earliest'
  | 'latest'
  | { readonly timestamp: number }
  | { readonly offsets: Readonly<Record<number, number>> };

/** A partition cannot be read from the offset that `startAt` names. */
export class StartOffsetError extends Error {
  override readonly name = 'StartOffsetError';
  readonly code = 'start-offset';
}

/** Finds where to begin to read. */
export class StartPositions {
  constructor(
    private readonly logs: TopicLogs,
    private readonly topics: readonly string[],
    private readonly startAt: StartAt,
  ) {}

  /** @throws StartOffsetError for an offset that the log does not have: a start there would skip or repeat records */
  async requireOffsets(): Promise<void> {
    if (typeof this.startAt === 'string' || !('offsets' in this.startAt)) return;
    const [topic = ''] = this.topics;
    const log = this.logs.of(topic);
    await log.refresh();
    for (const [name, offset] of Object.entries(this.startAt.offsets)) {
      const partition = Number(name);
      const { partitionNumbers } = log;
      if (!partitionNumbers.includes(partition))
        throw new StartOffsetError(
          `startAt names partition ${partition}, and topic ${topic} has ${partitionNumbers.length}`,
        );
      const [first, end] = [await log.edge(partition, 'earliest'), await log.edge(partition, 'end')];
      if (offset < first || offset > end)
        throw new StartOffsetError(
          `startAt has offset ${offset} for partition ${partition} of topic ${topic}, whose offsets are ${first} to ${end}`,
        );
    }
  }

  /** @throws like `TopicLog.edge` */
  async of({ topic, partition }: TopicPartition): Promise<number> {
    const { startAt } = this;
    const log = this.logs.of(topic);
    if (startAt === 'earliest') return log.edge(partition, 'earliest');
    if (startAt === 'latest') return log.edge(partition, 'end');
    if ('offsets' in startAt) return startAt.offsets[partition] ?? log.edge(partition, 'earliest');
    // The end first: a record that is written between the two requests is found by its timestamp, or lies behind the end.
    const end = await log.edge(partition, 'end');
    const found = await log.edge(partition, startAt.timestamp);
    return found < 0 ? end : found;
  }
}

/** @param now ms since 1970 @throws TypeError or RangeError that names what is wrong */
export function requireStartAt(startAt: unknown, now: number): void {
  if (startAt === 'earliest' || startAt === 'latest') return;
  if (isObject(startAt) && 'timestamp' in startAt) {
    const { timestamp } = startAt;
    if (!Number.isSafeInteger(timestamp) || Number(timestamp) < 0)
      throw new RangeError(`startAt.timestamp must be ms since 1970, got ${String(timestamp)}`);
    if (Number(timestamp) > now)
      throw new RangeError(`startAt.timestamp is in the future: ${new Date(Number(timestamp)).toISOString()}`);
    return;
  }
  if (!isObject(startAt) || !isObject(startAt['offsets']))
    throw new TypeError("startAt must be 'earliest', 'latest', { timestamp } or { offsets }");
  for (const [partition, offset] of Object.entries(startAt['offsets']))
    if (!/^\d+$/.test(partition) || !Number.isSafeInteger(offset) || Number(offset) < 0)
      throw new RangeError(
        `startAt.offsets must have an offset for each partition, got ${partition}: ${String(offset)}`,
      );
}
