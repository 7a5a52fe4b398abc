import type { OutgoingRecord, Position } from '../record.js';
import { pause, systemClock } from '../clock.js';
import type { EngineLogger } from '../options.js';
import type { Broker, BrokerHealth, BrokerListener, CommittedPosition, TopicPartition } from './broker.js';
import { hookGroupCoordinator, type GroupCluster, type JoinHook } from './group-coordinator.js';
import { GroupOffsets } from './group-offsets.js';
import { FetchedRecords } from './kafka-message.js';
import {
  KAFKA_RETRY,
  PartitionAssigners,
  reliableProducer,
  type Consumer,
  type EachBatchPayload,
  type Kafka,
  type PartitionAssigner,
} from './kafkajs.js';
import type { ReliableProducer } from './reliable-producer.js';
import { stickyAssigner } from './sticky-assigner.js';

export interface KafkajsBrokerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly logger: EngineLogger;
  /** Without a heartbeat for so long the group goes on without this member, in ms. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Bytes fetched at once. Default 2 MiB, 256 KiB of a partition: kafkajs reads nothing ahead, so this bounds its part. */
  readonly maxBytes?: number;
  readonly maxBytesPerPartition?: number;
}

const RESTART_PAUSE_MS = 1_000;
/** How long a partition rests when not all of a batch was taken: kafkajs would fetch the same again at once. */
const REST_MS = 250;

/** kafkajs as the engine's broker, with the faults of its consumer mended (see group-coordinator.ts). */
export class KafkajsBroker implements Broker {
  private consumer: Consumer | undefined;
  private readonly producer: ReliableProducer;
  private readonly groupOffsets: GroupOffsets;
  private ownership: { since: number; owned: Record<string, number[]> } = { since: 0, owned: {} };
  private joined = false;
  private lastContactAt = 0;
  private memberId: string | undefined;
  /** Counts the joins of this object: work of an older one must not move a newer one's position. */
  private joins = 0;
  private stopping = false;

  constructor(private readonly options: KafkajsBrokerOptions) {
    this.producer = reliableProducer(options.kafka, options.logger);
    this.groupOffsets = new GroupOffsets(options.kafka, options.groupId);
  }

  get health(): BrokerHealth {
    return { joined: this.joined, lastContactAt: this.lastContactAt };
  }

  async start(listener: BrokerListener): Promise<void> {
    const { topic } = this.options;
    const consumer = this.createConsumer(listener);
    this.consumer = consumer;
    this.follow(consumer, listener);
    await consumer.connect();
    // From the beginning: a kill before a partition's first commit must not restart it at its end.
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    if (this.stopping) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => this.eachBatch(payload, listener),
    });
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    return this.groupOffsets.committed(partitions);
  }

  async commit(positions: readonly Position[]): Promise<void> {
    await this.groupOffsets.commit(positions);
    this.lastContactAt = systemClock.now();
  }

  async publish(topic: string, record: OutgoingRecord): Promise<void> {
    await this.producer.send(topic, [record]);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.joined = false;
    await this.consumer?.disconnect();
    await this.producer.close();
    await this.groupOffsets.close();
  }

  private createConsumer(listener: BrokerListener): Consumer {
    const { kafka, groupId, sessionTimeoutMs = 10_000, maxBytes, maxBytesPerPartition } = this.options;
    const assigner: PartitionAssigner = ({ cluster }) => {
      hookGroupCoordinator(cluster as unknown as GroupCluster, groupId, this.joinHook(listener));
      return stickyAssigner(cluster, () => this.ownership);
    };
    return kafka.consumer({
      groupId,
      // Round-robin is what kafkajs's own consumers offer: a group can then change over member by member.
      partitionAssigners: [assigner, PartitionAssigners.roundRobin],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: 2 * sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, sessionTimeoutMs / 3),
      metadataMaxAge: 30_000,
      maxWaitTimeInMs: 250,
      maxBytes: maxBytes ?? 2 * 1024 * 1024,
      maxBytesPerPartition: maxBytesPerPartition ?? 256 * 1024,
      allowAutoTopicCreation: false,
      retry: { ...KAFKA_RETRY },
    });
  }

  private joinHook(listener: BrokerListener): JoinHook {
    return {
      beforeJoin: () => this.beforeJoin(listener),
      isWanted: () => !this.stopping,
      joined: (membership) => this.groupOffsets.commitAs(membership),
      outOfRange: (partition) => this.outOfRange(partition, listener),
      afterFailure: (error: unknown) => this.coordinatorNotFound(error),
    };
  }

  private follow(consumer: Consumer, listener: BrokerListener): void {
    const { GROUP_JOIN, HEARTBEAT, REBALANCING, CRASH, START_BATCH_PROCESS } = consumer.events;
    const contact = (): void => {
      this.lastContactAt = systemClock.now();
    };
    consumer.on(HEARTBEAT, contact);
    consumer.on(REBALANCING, () => {
      this.joined = false;
    });
    consumer.on(GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
      const kept = memberId === this.memberId;
      this.memberId = memberId;
      this.joins += 1;
      this.joined = true;
      contact();
      const partitions = Object.entries(memberAssignment).flatMap(([topic, numbers]) =>
        numbers.map((partition) => ({ topic, partition })),
      );
      this.ownership = { since: Date.now(), owned: memberAssignment };
      consumer.resume(Object.entries(memberAssignment).map(([topic, numbers]) => ({ topic, partitions: numbers })));
      listener.assigned(partitions, kept);
    });
    // A batch of markers, aborted or compacted records alone is never handed to `eachBatch`.
    consumer.on(START_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, firstOffset, lastOffset } }) => {
      if (batchSize > 0) return;
      const last = Number(lastOffset);
      listener.skipped({ topic, partition }, firstOffset === null ? last : Number(firstOffset), last + 1);
    });
    consumer.on(CRASH, ({ payload: { error, restart } }) => {
      this.joined = false;
      this.memberId = undefined;
      this.groupOffsets.commitAs(undefined);
      this.ownership = { since: 0, owned: {} };
      listener.lost(error);
      // kafkajs calls some faults final that a new consumer survives: resting in peace would be silent.
      if (!restart) setTimeout(() => void this.restart(listener), RESTART_PAUSE_MS);
    });
  }

  private async restart(listener: BrokerListener): Promise<void> {
    if (this.stopping) return;
    try {
      await this.start(listener);
    } catch (error) {
      this.options.logger.error({ reason: String(error) }, 'the consumer could not be restarted: trying again');
      setTimeout(() => void this.restart(listener), RESTART_PAUSE_MS);
    }
  }

  private async beforeJoin(listener: BrokerListener): Promise<void> {
    this.joined = false;
    await listener.rebalancing();
  }

  private async coordinatorNotFound(error: unknown): Promise<void> {
    this.options.logger.warn({ reason: String(error) }, 'the group coordinator was not found: looking again');
    await pause(systemClock, RESTART_PAUSE_MS);
  }

  private async outOfRange(partition: TopicPartition, listener: BrokerListener): Promise<number | undefined> {
    let earliest: number | undefined;
    let committed: number | undefined;
    try {
      earliest = await this.groupOffsets.earliest(partition);
      [{ offset: committed } = { offset: undefined }] = await this.groupOffsets.committed([partition]);
    } catch (error) {
      this.options.logger.warn({ ...partition, reason: String(error) }, 'the first offset was not learnt');
    }
    if (listener.deleted(partition, committed, earliest)) return earliest;
    this.consumer?.pause([{ topic: partition.topic, partitions: [partition.partition] }]);
    return undefined;
  }

  private async eachBatch(payload: EachBatchPayload, listener: BrokerListener): Promise<void> {
    const { batch } = payload;
    const { topic, partition } = batch;
    const { joins } = this;
    const fetchOffset = fetchOffsetOf(batch);
    const left = await listener.fetched({
      topic,
      partition,
      records: new FetchedRecords(topic, partition, batch.messages),
      fetchOffset,
      lastOffset: Number(batch.lastOffset()),
      highWatermark: Number(batch.highWatermark),
      heartbeat: () => payload.heartbeat(),
    });
    if (joins !== this.joins) return;
    if (left === undefined) {
      payload.resolveOffset(batch.lastOffset());
      return;
    }
    if (left > fetchOffset) payload.resolveOffset(String(left - 1));
    // kafkajs keeps a seek that it can't use yet for when the partition is back: the engine refuses what is then too far on.
    else if (left < fetchOffset) this.consumer?.seek({ topic, partition, offset: String(left) });
    setTimeout(payload.pause(), REST_MS);
  }
}

/** Not in kafkajs's types, though it is how the batch was asked for. */
function fetchOffsetOf(batch: EachBatchPayload['batch']): number {
  return Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
}
