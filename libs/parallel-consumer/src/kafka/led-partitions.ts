import type { TopicPartition } from '../broker/broker.js';
import type { EngineLogger } from '../events/engine-logger.js';
import { isKafkaError } from '../protocol/kafka-error.js';
import type { TopicLogs } from './topic-logs.js';

/** The partitions that this member assigns while it leads the group. */
export class LedPartitions {
  /** What was assigned last; `undefined` while another member leads. */
  private assigned: { readonly topics: readonly string[]; readonly count: number } | undefined;

  constructor(
    private readonly logs: TopicLogs,
    private readonly logger: EngineLogger,
  ) {}

  /** Called at each rebalance, before it is known who leads. */
  forget(): void {
    this.assigned = undefined;
  }

  /** Lists the partitions to assign. Members that read only topics that do not exist wait. @throws when no broker responds */
  async list(topics: readonly string[]): Promise<TopicPartition[]> {
    const partitions = (await Promise.all(topics.map(async (topic) => this.partitionsOf(topic)))).flat();
    this.assigned = { topics, count: partitions.length };
    return partitions;
  }

  /** Whether this member leads, and partitions were added since. @throws when no broker responds */
  async haveChanged(): Promise<boolean> {
    const { assigned } = this;
    if (assigned === undefined) return false;
    const counts = await Promise.all(assigned.topics.map(async (topic) => (await this.partitionsOf(topic)).length));
    return counts.reduce((sum, count) => sum + count, 0) !== assigned.count;
  }

  private async partitionsOf(topic: string): Promise<TopicPartition[]> {
    const log = this.logs.of(topic);
    try {
      await log.refresh();
    } catch (error) {
      if (!isKafkaError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
      this.logger.error({ topic }, 'topic does not exist: its consumers are idle');
    }
    return log.partitionNumbers.map((partition) => ({ topic, partition }));
  }
}
