import { systemClock } from '@orders-pipeline/clock';
import type { EngineLogger } from '../events/engine-logger.js';
import { errorDetails } from '../failures/failure.js';
import { positiveInteger, text, withFunctions, type Check } from '../checks/value-checks.js';
import { errorName, isKafkaError, throwOnError } from '../protocol/kafka-error.js';
import { METADATA } from '../protocol/metadata-request.js';
import type { PartitionsByTopic } from '../protocol/consumer-protocol.js';
import type { OutgoingRecord, Position } from '../records/record.js';
import type {
  Broker,
  BrokerHealth,
  BrokerListener,
  CommittedPosition,
  ReadResult,
  ReadPosition,
  TopicPartition,
} from '../broker/broker.js';
import { Fetcher } from './fetcher.js';
import { GroupMember } from './group-member.js';
import { GroupOffsets } from './group-offsets.js';
import type { KafkaConnections } from './kafka-connections.js';
import type { ReliableProducer } from './reliable-producer.js';
import { requireStartAt, StartPositions, type StartAt } from './start-positions.js';
import { stickyAssignor, type Ownership } from './sticky-assigner.js';
import { TopicLog } from './topic-log.js';

/** The topic and group that a broker joins, and how it fetches. */
export interface KafkaBrokerOptions {
  readonly topic: string;
  readonly groupId: string;
  readonly logger: EngineLogger;
  /** The group expels this member after this time without a heartbeat, in ms. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Maximum bytes of one fetch from one node. Default 2 MiB. */
  readonly maxBytes?: number;
  /**
   * Maximum bytes of one fetch for one partition. Default 256 KiB. Besides the records in the window, memory holds at most two such
   * fetches per assigned partition. A larger record batch is still fetched.
   */
  readonly maxBytesPerPartition?: number;
  /** Where partitions without a committed offset are read from. Default `earliest`. */
  readonly startAt?: StartAt;
}

/** What a client library contributes. */
export interface KafkaClient {
  readonly connections: KafkaConnections;
  readonly producer: ReliableProducer;
}

const MAX_BYTES = 2 * 1024 * 1024;
const MAX_BYTES_PER_PARTITION = 256 * 1024;
/** How often the broker checks the topic for added partitions. */
const TOPIC_CHECK_INTERVAL_MS = 30_000;

/** The engine's broker for a real Kafka: the connections of a client library, the engine's own group membership and fetches. */
export abstract class KafkaBroker implements Broker {
  readonly topic: string;
  private readonly connections: KafkaConnections;
  private readonly producer: ReliableProducer;
  private readonly log: TopicLog;
  private readonly fetcher: Fetcher;
  private readonly member: GroupMember;
  private readonly offsets: GroupOffsets;
  private readonly startPositions: StartPositions;
  private listener: BrokerListener | undefined;
  private ownership: Ownership = { since: 0, owned: {} };
  /** The number of partitions that this member assigned as group leader; `undefined` when another member leads. */
  private assignedCount: number | undefined;
  private stopping = false;
  private cancelTopicWatch: (() => void) | undefined;

  /** @param options checked by the caller */
  protected constructor(
    private readonly options: KafkaBrokerOptions,
    { connections, producer }: KafkaClient,
  ) {
    const { topic, groupId, logger, sessionTimeoutMs = 10_000 } = options;
    this.topic = topic;
    this.connections = connections;
    this.producer = producer;
    this.log = new TopicLog(this.connections, topic);
    const { maxBytes = MAX_BYTES, maxBytesPerPartition = MAX_BYTES_PER_PARTITION } = options;
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
            this.assignedCount = undefined;
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
    this.startPositions = new StartPositions(this.log, options.startAt ?? 'earliest');
    this.offsets = new GroupOffsets(this.connections, this.log, groupId, this.member, this.startPositions);
  }

  /** Whether the member has joined, and when its coordinator last responded. */
  get health(): BrokerHealth {
    const { joined, joinFailure, coordinator } = this.member;
    const { lastContactAt } = coordinator;
    const { failure: fetchFailure } = this.fetcher;
    const { failure: publishFailure } = this.producer;
    return { joined: joined && !this.stopping, joinFailure, lastContactAt, fetchFailure, publishFailure };
  }

  async partitionCount(topic: string): Promise<number> {
    const { topics } = await this.connections.requestAny(METADATA, [topic]);
    const [found] = topics;
    if (found === undefined || errorName(found.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') return 0;
    throwOnError(found.errorCode, `Metadata of topic ${topic}`);
    return found.partitions.length;
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    await this.connections.connect();
    await this.startPositions.requireOffsets();
    if (this.stopping) return;
    this.member.join();
    this.watchTopic();
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    return this.offsets.committed(partitions);
  }

  async read(position: ReadPosition): Promise<ReadResult | undefined> {
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
    this.cancelTopicWatch = systemClock.after(TOPIC_CHECK_INTERVAL_MS, () => void this.checkForNewPartitions());
  }

  private async checkForNewPartitions(): Promise<void> {
    try {
      await this.log.refresh();
      const { assignedCount } = this;
      if (assignedCount !== undefined && this.log.partitionNumbers.length !== assignedCount) this.member.rejoin();
    } catch (error) {
      this.options.logger.warn({ topic: this.topic, ...errorDetails(error) }, 'topic check failed: retrying');
    }
    if (!this.stopping) this.watchTopic();
  }

  private lost(error: unknown): void {
    this.ownership = { since: 0, owned: {} };
    this.fetcher.assign([], false);
    this.listener?.lost(error);
  }

  /** Lists the partitions to assign, for the group leader. Empty when the topic does not exist; its consumers then wait. */
  private async allPartitions(): Promise<TopicPartition[]> {
    try {
      await this.log.refresh();
    } catch (error) {
      if (!isKafkaError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
      this.options.logger.error({ topic: this.topic }, 'topic does not exist: its consumers are idle');
    }
    this.assignedCount = this.log.partitionNumbers.length;
    return this.log.partitionNumbers.map((partition) => ({ topic: this.topic, partition }));
  }
}

/** Checks of the options that all client libraries share. */
export const BROKER_CHECKS = {
  topic: text,
  groupId: text,
  logger: withFunctions('info', 'warn', 'error'),
  sessionTimeoutMs: positiveInteger,
  maxBytes: positiveInteger,
  maxBytesPerPartition: positiveInteger,
  startAt: (_name, value) => requireStartAt(value, systemClock.now()),
} satisfies Record<keyof KafkaBrokerOptions, Check>;

/** Options without a default. */
export const REQUIRED_BROKER_OPTIONS = ['topic', 'groupId', 'logger'];
