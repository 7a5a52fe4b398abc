import type { TopicPartition } from '../broker/broker.js';
import type { EngineLogger } from '../events/engine-logger.js';
import { isKafkaError } from '../protocol/kafka-error.js';
import type { TopicLogs } from './topic-logs.js';

/** The partitions that this member assigns while it leads the group. */
export class LedPartitions {
  /** How many partitions each topic had when they were assigned; `undefined` while another member leads. */
  private assigned: ReadonlyMap<string, number> | undefined;

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
    const counts = new Map<string, number>();
    const lists = topics.map(async (topic) => {
      const numbers = await this.partitionsOf(topic);
      if (numbers === undefined) this.logger.error({ topic }, 'topic does not exist: its consumers are idle');
      counts.set(topic, numbers?.length ?? 0);
      return (numbers ?? []).map((partition) => ({ topic, partition }));
    });
    const partitions = (await Promise.all(lists)).flat();
    this.assigned = counts;
    return partitions;
  }

  /**
   * Whether this member leads, and a topic has other partitions than those that were assigned. A deleted topic has not changed: its
   * partitions stay assigned, so that their owners notice when it is created again.
   * @throws when no broker responds
   */
  async haveChanged(): Promise<boolean> {
    const checks = [...(this.assigned ?? [])].map(async ([topic, count]) => {
      const numbers = await this.partitionsOf(topic);
      return numbers !== undefined && numbers.length !== count;
    });
    return (await Promise.all(checks)).includes(true);
  }

  /** @returns undefined when the topic does not exist */
  private async partitionsOf(topic: string): Promise<readonly number[] | undefined> {
    const log = this.logs.of(topic);
    try {
      await log.refresh();
    } catch (error) {
      if (isKafkaError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined;
      throw error;
    }
    return log.partitionNumbers;
  }
}
