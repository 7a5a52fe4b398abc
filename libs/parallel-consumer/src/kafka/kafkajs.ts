// The one file that imports kafkajs: the client as this engine needs it. Pinned to 2.2.4, whose inside is relied on here.
import { createRequire } from 'node:module';
import kafkajs, { type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { EngineLogger } from '../options.js';
import { ReliableProducer } from './reliable-producer.js';

export type {
  Admin,
  Assigner,
  Cluster,
  Consumer,
  EachBatchPayload,
  Kafka,
  KafkaMessage,
  PartitionAssigner,
} from 'kafkajs';
export const { AssignerProtocol, PartitionAssigners, Partitioners } = kafkajs;

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
  quietIdleConnections();
  beatThroughClockJumps();
  leaveClosedSeeds();
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

interface Encoder {
  buf: Buffer;
  offset: number;
  ensureAvailable(bytes: number): void;
}
interface EncoderClass {
  readonly prototype: Encoder;
  nextPowerOfTwo(this: void, bytes: number): number;
}

/** What an encoder of kafkajs asks for when it is made, and how much fits into a typed array that V8 keeps on its own heap. */
const ENCODER_BYTES = 511;
const ON_HEAP_BYTES = 64;

let encodersAreSmall = false;

/**
 * kafkajs allocates 512 zeroed bytes outside of the heap for each header and each record, most of which hold fewer than 64:
 * a good part of what sending costs, in allocations and in the collections that they bring on. They grow when they must.
 */
function smallEncoders(): void {
  if (encodersAreSmall) return;
  encodersAreSmall = true;
  const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as EncoderClass;
  const { nextPowerOfTwo } = Encoder;
  Encoder.nextPowerOfTwo = (bytes) => (bytes === ENCODER_BYTES ? ON_HEAP_BYTES : nextPowerOfTwo(bytes));
  Encoder.prototype.ensureAvailable = function grow(this: Encoder, bytes: number): void {
    const needed = this.offset + bytes;
    if (needed <= this.buf.length) return;
    // Only what was written is ever sent, so nothing has to be zeroed.
    const larger = Buffer.allocUnsafe(nextPowerOfTwo(needed));
    this.buf.copy(larger, 0, 0, this.offset);
    this.buf = larger;
  };
}

const patched = new Set<string>();

/** Changes a class of kafkajs, once for the process. @param change is given its prototype, and that as it was before */
function patchOnce<T extends object>(path: string, change: (prototype: T, original: T) => void): void {
  if (patched.has(path)) return;
  patched.add(path);
  const { prototype } = createRequire(import.meta.url)(path) as { prototype: T };
  change(prototype, Object.create(prototype, Object.getOwnPropertyDescriptors(prototype)) as T);
}

interface RequestQueuePrototype {
  readonly pending: unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

/**
 * kafkajs re-arms a timer of 1 ms on every connection for as long as it is open (3 % of a core when idle, and a warning of
 * a negative time-out on Node 24), though there is nothing to check while no request is pending and none is throttled.
 */
function quietIdleConnections(): void {
  patchOnce<RequestQueuePrototype>('kafkajs/src/network/requestQueue', (prototype, original) => {
    prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded(this: RequestQueuePrototype): void {
      if (this.pending.length > 0 || this.throttledUntil > Date.now()) original.scheduleCheckPendingRequests.call(this);
    };
  });
}

interface ConsumerGroupPrototype {
  /** When the last heartbeat was sent, by the wall clock. */
  lastRequest: number;
  heartbeat(options: { interval: number }): Promise<void>;
}

/**
 * kafkajs sends a heartbeat once the wall clock is so far beyond the last one. Set back by an hour, as after a wrong time was mended, it sends
 * none for an hour: the group goes on without the member, which goes on with its partitions and never hears of it.
 */
function beatThroughClockJumps(): void {
  patchOnce<ConsumerGroupPrototype>('kafkajs/src/consumer/consumerGroup', (prototype, original) => {
    prototype.heartbeat = async function heartbeatSoon(this: ConsumerGroupPrototype, options): Promise<void> {
      if (this.lastRequest > Date.now()) this.lastRequest = 0;
      await original.heartbeat.call(this, options);
    };
  });
}

interface SeedBroker {
  connect(): Promise<void>;
}
interface BrokerPoolPrototype {
  readonly seedBroker: SeedBroker;
  createSeedBroker(): Promise<void>;
}

/** What a connection comes to behind which no broker answers. */
const NO_BROKER = new Set(['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError']);

/**
 * kafkajs asks the next of the brokers that it was given only where the first can't be connected to. One that is behind a proxy, a load balancer or
 * a published port takes the connection, and closes it or never answers while the broker itself is away: it was asked again and again for a
 * minute, and then the client gave up, though the other brokers were well.
 */
function leaveClosedSeeds(): void {
  patchOnce<BrokerPoolPrototype>('kafkajs/src/cluster/brokerPool', (prototype, original) => {
    prototype.createSeedBroker = async function createAskedOnce(this: BrokerPoolPrototype): Promise<void> {
      await original.createSeedBroker.call(this);
      const seed = this.seedBroker;
      const connect = seed.connect.bind(seed);
      seed.connect = async () => {
        try {
          await connect();
        } catch (error) {
          // By this name it is known as one to be left.
          if (error instanceof Error && NO_BROKER.has(error.name)) error.name = 'KafkaJSConnectionError';
          throw error;
        }
      };
    };
  });
}
