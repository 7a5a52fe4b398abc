import { systemClock } from '../clock.js';
import type { EngineLogger } from '../options.js';
import { errorName, isKafkaError, throwOnError } from '../protocol/kafka-error.js';
import { METADATA } from '../protocol/metadata-request.js';
import type { PartitionsByTopic } from '../protocol/consumer-protocol.js';
import type { OutgoingRecord, Position } from '../record.js';
import type {
  Broker,
  BrokerHealth,
  BrokerListener,
  CommittedPosition,
  ReadAnswer,
  ReadPosition,
  TopicPartition,
} from './broker.js';
import { Fetcher } from './fetcher.js';
import { GroupMember } from './group-member.js';
import { GroupOffsets } from './group-offsets.js';
import { KafkajsConnections } from './kafkajs-connections.js';
import { reliableProducer, type Kafka } from './kafkajs.js';
import type { ReliableProducer } from './reliable-producer.js';
import { stickyAssignor, type Ownership } from './sticky-assigner.js';
import { TopicLog } from './topic-log.js';

export interface KafkajsBrokerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly logger: EngineLogger;
  /** Without a heartbeat for so long the group goes on without this member, in ms. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Bytes fetched at once from one node. Default 2 MiB. */
  readonly maxBytes?: number;
  /**
   * Bytes fetched at once of one partition. Default 256 KiB. At most two such fetches of each assigned partition are held
   * besides the records in the window; a record batch that is larger is fetched all the same.
   */
  readonly maxBytesPerPartition?: number;
}

/** How often the topic is looked at for partitions that were added. */
const TOPIC_EVERY_MS = 30_000;

/** A real Kafka as the engine's broker: kafkajs's connections and producer, with a membership and fetches of the engine's own. */
export class KafkajsBroker implements Broker {
  readonly topic: string;
  private readonly connections: KafkajsConnections;
  private readonly producer: ReliableProducer;
  private readonly log: TopicLog;
  private readonly fetcher: Fetcher;
  private readonly member: GroupMember;
  private readonly offsets: GroupOffsets;
  private listener: BrokerListener | undefined;
  private ownership: Ownership = { since: 0, owned: {} };
  /** Partitions that this member, as the leader of the generation, has shared out; `undefined` where another one leads. */
  private sharedOut: number | undefined;
  private stopping = false;
  private cancelTopicWatch: (() => void) | undefined;

  constructor(private readonly options: KafkajsBrokerOptions) {
    const { kafka, topic, groupId, logger, sessionTimeoutMs = 10_000 } = options;
    this.topic = topic;
    this.connections = new KafkajsConnections(kafka);
    this.producer = reliableProducer(kafka, logger);
    this.log = new TopicLog(this.connections, topic);
    const { maxBytes = 2 * 1024 * 1024, maxBytesPerPartition = 256 * 1024 } = options;
    this.fetcher = new Fetcher(this.connections, this.log, {
      maxBytes,
      maxBytesPerPartition,
      logger,
      clock: systemClock,
    });
    this.member = new GroupMember(
      this.connections,
      {
        groupId,
        topics: [topic],
        sessionTimeoutMs,
        rebalanceTimeoutMs: 2 * sessionTimeoutMs,
        heartbeatIntervalMs: Math.min(1_000, sessionTimeoutMs / 3),
        assignor: stickyAssignor(
          () => {
            this.sharedOut = undefined;
            return this.ownership;
          },
          async () => this.allPartitions(),
        ),
        logger,
        clock: systemClock,
      },
      {
        assigned: (assignment, kept) => this.assigned(assignment, kept),
        rebalancing: async () => this.listener?.rebalancing(),
        lost: (error) => this.lost(error),
      },
    );
    this.offsets = new GroupOffsets(this.connections, this.log, groupId, this.member);
  }

  get health(): BrokerHealth {
    const { joined, lastContactAt } = this.member;
    return { joined: joined && !this.stopping, lastContactAt, failingSince: this.fetcher.failingSince };
  }

  async partitionCount(topic: string): Promise<number> {
    const { topics } = await this.connections.requestAny(METADATA, [topic]);
    const [found] = topics;
    if (found === undefined || errorName(found.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') return 0;
    throwOnError(found.errorCode, `Metadata of the topic ${topic}`);
    return found.partitions.length;
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    await this.connections.connect();
    if (this.stopping) return;
    this.member.join();
    this.watchTopic();
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    return this.offsets.committed(partitions);
  }

  async read(position: ReadPosition): Promise<ReadAnswer | undefined> {
    return this.fetcher.read(position);
  }

  async commit(positions: readonly Position[]): Promise<void> {
    await this.offsets.commit(positions);
  }

  async publish(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    await this.producer.send(topic, records);
  }

  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.cancelTopicWatch?.();
    this.fetcher.close();
    await this.member.leave();
    await this.producer.close();
    await this.connections.close();
  }

  private assigned(assignment: PartitionsByTopic, kept: boolean): void {
    this.ownership = { since: Date.now(), owned: assignment };
    const partitions = assignment[this.topic] ?? [];
    this.fetcher.assign(partitions, kept);
    this.listener?.assigned(
      partitions.map((partition) => ({ topic: this.topic, partition })),
      kept,
    );
  }

  private watchTopic(): void {
    this.cancelTopicWatch = systemClock.after(TOPIC_EVERY_MS, () => void this.lookForPartitions());
  }

  private async lookForPartitions(): Promise<void> {
    try {
      await this.log.refresh();
      const { sharedOut } = this;
      if (sharedOut !== undefined && this.log.partitionNumbers.length !== sharedOut) this.member.rejoin();
    } catch (error) {
      this.options.logger.warn({ topic: this.topic, reason: String(error) }, 'the topic could not be looked at');
    }
    if (!this.stopping) this.watchTopic();
  }

  private lost(error: unknown): void {
    this.ownership = { since: 0, owned: {} };
    this.fetcher.assign([], false);
    this.listener?.lost(error);
  }

  /** For the leader of the group. A topic that isn't there has none, and its members wait. */
  private async allPartitions(): Promise<TopicPartition[]> {
    try {
      await this.log.refresh();
    } catch (error) {
      if (!isKafkaError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
      this.options.logger.error({ topic: this.topic }, 'the topic does not exist: its consumers have nothing to do');
    }
    this.sharedOut = this.log.partitionNumbers.length;
    return this.log.partitionNumbers.map((partition) => ({ topic: this.topic, partition }));
  }
}
