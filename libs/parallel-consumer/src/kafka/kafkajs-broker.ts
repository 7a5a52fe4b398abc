import type { Broker, BrokerHealth, BrokerListener } from './broker.js';
import { pause, systemClock } from '../clock.js';
import type { OutgoingRecord } from '../attempts/dead-letter.js';
import { hookGroupCoordinator, type GroupCluster } from './group-coordinator.js';
import {
  KAFKA_RETRY,
  PartitionAssigners,
  reliableProducer,
  type Consumer,
  type EachBatchPayload,
  type Kafka,
  type KafkaMessage,
  type PartitionAssigner,
} from './kafkajs.js';
import type { EngineLogger } from '../options.js';
import type { ConsumedRecord, Position } from '../record.js';
import type { ReliableProducer } from './reliable-producer.js';

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
/** How long to rest when nothing of a batch may be taken: kafkajs would fetch the same again at once. */
const IDLE_MS = 100;

/** kafkajs as the engine's broker, with the faults of its consumer mended (see group-coordinator.ts). */
export class KafkajsBroker implements Broker {
  private consumer: Consumer | undefined;
  private readonly producer: ReliableProducer;
  private joined = false;
  private lastContactAt = 0;
  private memberId: string | undefined;
  /** Counts the joins of this object: work of an older one must not move a newer one's position. */
  private joins = 0;
  private stopping = false;

  constructor(private readonly options: KafkajsBrokerOptions) {
    this.producer = reliableProducer(options.kafka, options.logger);
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
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => this.eachBatch(payload, listener),
    });
  }

  async commit(positions: readonly Position[]): Promise<void> {
    if (this.consumer === undefined) throw new Error('not connected');
    await this.consumer.commitOffsets(
      positions.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
    );
    this.lastContactAt = Date.now();
  }

  async publish(topic: string, record: OutgoingRecord): Promise<void> {
    await this.producer.send(topic, [record]);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.joined = false;
    await this.consumer?.disconnect();
    await this.producer.close();
  }

  private createConsumer(listener: BrokerListener): Consumer {
    const { kafka, groupId, sessionTimeoutMs = 10_000, maxBytes, maxBytesPerPartition } = this.options;
    const assigner: PartitionAssigner = (config) => {
      const hook = {
        beforeJoin: () => this.beforeJoin(listener),
        isWanted: () => !this.stopping,
        afterFailure: (error: unknown) => this.coordinatorNotFound(error),
      };
      hookGroupCoordinator(config.cluster as unknown as GroupCluster, groupId, hook);
      return PartitionAssigners.roundRobin(config);
    };
    return kafka.consumer({
      groupId,
      partitionAssigners: [assigner],
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

  private follow(consumer: Consumer, listener: BrokerListener): void {
    const { GROUP_JOIN, HEARTBEAT, REBALANCING, CRASH } = consumer.events;
    const contact = (): void => {
      this.lastContactAt = Date.now();
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
      listener.assigned(partitions, kept);
    });
    consumer.on(CRASH, ({ payload: { error, restart } }) => {
      this.joined = false;
      this.memberId = undefined;
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

  private async eachBatch(payload: EachBatchPayload, listener: BrokerListener): Promise<void> {
    const { batch } = payload;
    const { topic, partition } = batch;
    const { joins } = this;
    const left = await listener.fetched({
      topic,
      partition,
      records: batch.messages.map((message) => toRecord(topic, partition, message)),
      lastOffset: Number(batch.lastOffset()),
      highWatermark: Number(batch.highWatermark),
      heartbeat: () => payload.heartbeat(),
    });
    if (joins !== this.joins) return;
    if (left === undefined) payload.resolveOffset(batch.lastOffset());
    else if (left > Number(batch.firstOffset())) payload.resolveOffset(String(left - 1));
    else await pause(systemClock, IDLE_MS);
  }
}

/** kafkajs hands out slices: one record that waits would hold its whole fetch of megabytes in memory. */
function copyOf(bytes: Buffer | string | undefined): Buffer | undefined {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes && Buffer.from(bytes);
}

function toRecord(topic: string, partition: number, message: KafkaMessage): ConsumedRecord {
  const headers: Record<string, Buffer | undefined> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    headers[name] = copyOf(last);
  }
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key && Buffer.from(message.key),
    value: message.value && Buffer.from(message.value),
    headers,
    timestamp: Number(message.timestamp),
  };
}
