// The one file that imports kafkajs: the client as this engine needs it. Pinned to 2.2.4, whose inside `kafkajs-patches.ts` and `kafkajs-connections.ts` rely on.
import kafkajs, { type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { EngineLogger } from '../options.js';
import { patchKafkajs, smallEncoders } from './kafkajs-patches.js';
import { ReliableProducer } from './reliable-producer.js';

export type { Admin, Consumer, Kafka, KafkaMessage } from 'kafkajs';
export const { Partitioners } = kafkajs;

/** Where and how to connect; `ssl` and `sasl` as kafkajs takes them. */
export interface KafkaOptions extends Pick<KafkaConfig, 'ssl' | 'sasl'> {
  /** `host:port` of at least one broker. */
  readonly brokers: readonly string[];
  /** Names this client in the broker's logs and quotas. */
  readonly clientId: string;
  readonly logger: EngineLogger;
}

/** About a minute of tries; the default of 5 is over before a broker has restarted. */
export const KAFKA_RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 30 } as const;

/** The default of 30 s lets one silent broker hold everything for half a minute. */
const REQUEST_TIMEOUT_MS = 10_000;

/** A kafkajs client that keeps trying while brokers restart, logs through the given logger and idles without timers. */
export function connectKafka({ brokers, clientId, logger, ...security }: KafkaOptions): Kafka {
  patchKafkajs();
  const config: KafkaConfig = {
    ...security,
    brokers: [...brokers],
    clientId,
    retry: { ...KAFKA_RETRY },
    connectionTimeout: 5_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    logCreator: () => (entry) => passOn(entry, logger),
    // kafkajs tells each join and each retry at `info`; the engine tells the same in its own words.
    logLevel: kafkajs.logLevel.WARN,
  };
  return new kafkajs.Kafka(config);
}

/** A producer that resolves `send` only when every record is on all in-sync replicas. */
export function reliableProducer(kafka: Kafka, logger: EngineLogger): ReliableProducer {
  smallEncoders();
  const createClient = () =>
    kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      // Chosen before: kafkajs's own partitioner would list the partitions with a leader anew for each record.
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
      allowAutoTopicCreation: false,
      // A few seconds: the producer above this one tries on without end, and tells about it.
      retry: { ...KAFKA_RETRY, retries: 5 },
    });
  return new ReliableProducer({ createClient, logger });
}

/** Said of every idempotent producer whose tries inside the client end; the reliable producer's own don't. */
const HARMLESS = 'Limiting retries for the idempotent producer';

function passOn({ level, namespace, log }: LogEntry, logger: EngineLogger): void {
  const { message, timestamp: _timestamp, logger: _logger, ...details } = log;
  if (message.startsWith(HARMLESS)) return;
  // An error answer goes on to whoever asked, who retries it or tells it again: here it is only a detail.
  if (level === kafkajs.logLevel.ERROR && namespace !== 'Connection')
    logger.error({ ...details, from: namespace }, message);
  else if (level === kafkajs.logLevel.WARN) logger.warn({ ...details, from: namespace }, message);
  else logger.info({ ...details, from: namespace }, message);
}
