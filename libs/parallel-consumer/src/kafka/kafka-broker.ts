import { systemClock, type Clock } from '@orders-pipeline/clock';
import { errorDetails } from '../failures/failure.js';
import { errorName, throwOnError } from '../protocol/kafka-error.js';
import { METADATA } from '../protocol/metadata-request.js';
import type { PartitionsByTopic } from '../protocol/consumer-protocol.js';
import { MAX_DECOMPRESSED_BYTES } from '../records/fetched-records.js';
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
import { OwnedPartitions } from './owned-partitions.js';
import type { KafkaConnections } from './kafka-connections.js';
import { LedPartitions } from './led-partitions.js';
import type { ReliableProducer } from './reliable-producer.js';
import { timeoutsOf, topicsOf, type KafkaBrokerOptions } from './kafka-broker-options.js';
import { StartPositions } from './start-positions.js';
import { stickyAssignor } from './sticky-assignor.js';
import { TopicLogs } from './topic-logs.js';
import { TopicProducers } from './topic-producers.js';

/** What a client library contributes. */
export interface KafkaClient {
  /** Returns connections of their own. They connect on first use. */
  readonly connect: () => KafkaConnections;
  readonly createProducer: () => ReliableProducer;
  /** Default `systemClock`, which is monotonic. */
  readonly clock?: Clock;
  /** Returns numbers from 0 (inclusive) to 1 (exclusive), for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

const MAX_BYTES = 2 * 1024 * 1024;
const MAX_BYTES_PER_PARTITION = 256 * 1024;
/** How often the leader of the group checks the topics for added partitions. */
const TOPIC_CHECK_INTERVAL_MS = 30_000;

/** The engine's broker for a real Kafka: the connections of a client library, the engine's own group membership and fetches. */
export abstract class KafkaBroker implements Broker {
  readonly topics: readonly string[];
  readonly rebalanceTimeoutMs: number;
  private readonly connections: KafkaConnections;
  private readonly producers: TopicProducers;
  private readonly led: LedPartitions;
  private readonly fetcher: Fetcher;
  private readonly member: GroupMember;
  private readonly offsets: GroupOffsets;
  private readonly startPositions: StartPositions;
  private listener: BrokerListener | undefined;
  private readonly owned: OwnedPartitions;
  private readonly clock: Clock;
  private stopping = false;
  private cancelTopicWatch: (() => void) | undefined;

  /** @param options checked by the caller */
  protected constructor(
    private readonly options: KafkaBrokerOptions,
    { connect, createProducer, clock = systemClock, random = Math.random }: KafkaClient,
  ) {
    const { topic, groupId, logger, rebalancing = 'eager' } = options;
    const { sessionTimeoutMs, rebalanceTimeoutMs } = timeoutsOf(options);
    this.rebalanceTimeoutMs = rebalanceTimeoutMs;
    this.topics = topicsOf(topic);
    this.owned = new OwnedPartitions(this.topics, rebalancing);
    this.connections = connect();
    this.producers = new TopicProducers(createProducer);
    this.clock = clock;
    const logs = new TopicLogs(this.connections);
    this.led = new LedPartitions(logs, logger);
    const { maxBytes = MAX_BYTES, maxBytesPerPartition = MAX_BYTES_PER_PARTITION } = options;
    const { maxDecompressedBytes = MAX_DECOMPRESSED_BYTES } = options;
    this.fetcher = new Fetcher(this.connections, logs, {
      maxBytes,
      maxBytesPerPartition,
      maxDecompressedBytes,
      logger,
      clock,
      random,
    });
    this.member = new GroupMember(
      { usual: this.connections, connectForJoins: connect },
      {
        groupId,
        topics: this.topics,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        heartbeatIntervalMs: Math.min(1_000, sessionTimeoutMs / 3),
        rebalancing,
        assignor: stickyAssignor(
          rebalancing,
          () => {
            this.led.forget();
            return this.owned.ownership;
          },
          async (topics) => this.led.list(topics),
        ),
        logger,
        clock,
      },
      {
        assigned: (assignment, kept) => this.assigned(assignment, kept),
        rebalancing: async () => this.listener?.rebalancing(),
        surrender: async () => this.surrender(),
        lost: (error) => this.lost(error),
      },
    );
    this.startPositions = new StartPositions(logs, this.topics, options.startAt ?? 'earliest');
    this.offsets = new GroupOffsets(this.connections, logs, groupId, this.member, this.startPositions);
  }

  /** Whether the member has joined, and when its coordinator last responded. */
  get health(): BrokerHealth {
    const { joined, joinFailure, coordinator } = this.member;
    const { lastContactAt } = coordinator;
    const { failure: fetchFailure } = this.fetcher;
    const { failures: publishFailures } = this.producers;
    return { joined: joined && !this.stopping, joinFailure, lastContactAt, fetchFailure, publishFailures };
  }

  get startsUntil(): number {
    return this.member.startsUntil;
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
    this.watchTopics();
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
    await this.producers.send(topic, records);
  }

  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.cancelTopicWatch?.();
    this.fetcher.close();
    await this.member.leave();
    await this.producers.close();
    await this.connections.close();
  }

  private assigned(assignment: PartitionsByTopic, kept: boolean): void {
    this.reassign(this.owned.assign(assignment, this.generation, kept), kept);
  }

  private async surrender(): Promise<boolean> {
    const { surrendered } = this.owned;
    if (surrendered.length === 0) return false;
    await this.listener?.surrendering(surrendered);
    // The membership was lost, or the member has left, meanwhile.
    if (this.stopping || this.owned.surrendered !== surrendered) return false;
    this.reassign(this.owned.release(), true);
    return true;
  }

  private reassign(partitions: readonly TopicPartition[], kept: boolean): void {
    this.fetcher.assign(partitions, kept);
    this.listener?.assigned(partitions, kept, this.generation);
  }

  private get generation(): number {
    return this.member.membership?.generationId ?? 0;
  }

  private watchTopics(): void {
    this.cancelTopicWatch = this.clock.after(TOPIC_CHECK_INTERVAL_MS, () => void this.checkForNewPartitions());
  }

  private async checkForNewPartitions(): Promise<void> {
    try {
      if (await this.led.haveChanged()) this.member.rejoin();
    } catch (error) {
      this.options.logger.warn({ topics: this.topics, ...errorDetails(error) }, 'topic check failed: retrying');
    }
    if (!this.stopping) this.watchTopics();
  }

  private lost(error: unknown): void {
    this.owned.clear();
    this.fetcher.assign([], false);
    this.listener?.lost(error);
  }
}
