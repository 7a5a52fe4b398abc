import type { Clock } from '@orders-pipeline/clock';
import type { OutgoingRecord } from '../records/record.js';

/** How long an added partition may be unknown to a broker that answers, in ms. */
const KNOWN_WITHIN_MS = 10_000;

/** Returns the number of partitions of a topic; 0 when it does not exist. */
export type CountPartitions = (topic: string) => Promise<number>;

/** Records are for a partition that their topic does not have, also after some time: the caller computed it wrongly. */
export class UnknownPartitionError extends Error {
  override readonly name = 'UnknownPartitionError';
  readonly code = 'unknown-partition';
}

/** Finds records of one batch that are for a partition which its topic does not have. */
export class UnknownPartitions {
  private since: number | undefined;

  constructor(
    private readonly count: CountPartitions,
    private readonly clock: Clock,
  ) {}

  /**
   * Explains why no leader is known for the records.
   * @returns the reason to wait: a missing topic or partition may be about to be created
   * @throws UnknownPartitionError when the partition is still missing after 10 s
   */
  async explain(topic: string, records: readonly OutgoingRecord[]): Promise<string> {
    const partitions = await this.count(topic);
    if (partitions === 0) return `topic ${topic} does not exist`;
    const wrong = records.find(({ partition }) => partition >= partitions)?.partition;
    if (wrong === undefined) return 'no partition of the batch has a known leader';
    const reason = `partition ${wrong} does not exist: topic ${topic} has ${partitions} partitions, 0 to ${partitions - 1}`;
    this.since ??= this.clock.now();
    if (this.clock.now() - this.since >= KNOWN_WITHIN_MS) throw new UnknownPartitionError(reason);
    return reason;
  }
}
