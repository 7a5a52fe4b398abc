import type { FetchSize } from '../kafka.js';
import type { Meter } from './meter.js';

/** Range of the simulated save time in milliseconds, uniformly distributed. */
export interface SaveMs {
  readonly minimum: number;
  readonly maximum: number;
}

/** A fixed in-flight limit, or the engine's automatic limit. */
export type InFlight = number | 'auto';

/** The client library below the engine. */
export type KafkaClient = 'kafkajs' | 'platformatic';

/** Parameters of every contender, by name. */
export interface ContenderParameters {
  /** The engine in key mode with a handler that only waits. */
  readonly 'engine-wait': { readonly inFlight: InFlight; readonly saveMs: SaveMs };
  /** The engine in key mode with a handler that does nothing. */
  readonly 'engine-no-op': { readonly inFlight: InFlight; readonly fetch: FetchSize; readonly client: KafkaClient };
  /** A bare `eachBatch` loop that awaits the same handler for each message. */
  readonly 'bare-loop': { readonly fetch: FetchSize };
  /** The consumer app's path: wait, decode, group commit. */
  readonly 'engine-save': { readonly inFlight: InFlight; readonly saveMs: SaveMs };
  /** The same path through the NestJS strategy: by its `handler` option, as the consumer app, or by a method of a controller. */
  readonly 'nest-save': {
    readonly inFlight: InFlight;
    readonly saveMs: SaveMs;
    readonly handledBy: 'option' | 'method';
  };
  /** The usual code with plain kafkajs: a whole batch at once, one `insertMany`. No order per key, no in-flight limit. */
  readonly 'plain-save': {
    readonly partitionsConsumedConcurrently: number;
    readonly fetch: FetchSize;
    readonly saveMs: SaveMs;
  };
  /** The engine's public API in an adopter's code: JSON, one `insertMany` for a batch. */
  readonly 'json-engine': {
    readonly inFlight: InFlight;
    readonly saveMs: SaveMs;
    readonly ordering: 'key' | 'unordered';
  };
  /** The same with plain kafkajs: a whole batch at once. */
  readonly 'json-plain': ContenderParameters['plain-save'];
  /** `eachMessage`, like NestJS's Kafka transport: one record at a time per partition. */
  readonly 'one-at-a-time': { readonly saveMs: SaveMs };
  /** The engine with a handler that does nothing, but never completes for the first record of one key. */
  readonly 'engine-stalled-key': { readonly inFlight: InFlight; readonly stalledKey: string; readonly stillMs: number };
  /** The producer app's emission of one populate: generator, codec, reliable producer, progress in MongoDB. */
  readonly 'app-emission': { readonly chunkSize: number; readonly client: KafkaClient };
  /** Plain `send` of kafkajs, one after another, with records built beforehand. */
  readonly 'bare-send': { readonly recordsPerSend: number };
  /** A bare loop of `insertMany`, in the order of numbers, with the orders generated meanwhile. */
  readonly 'bare-insert': Record<string, never>;
  /** A plain cursor of the MongoDB driver over the saved orders, sorted by number. */
  readonly 'bare-cursor': Record<string, never>;
}

export type ContenderName = keyof ContenderParameters;

/** Describes one run to the contender's process. */
export interface Job<N extends ContenderName = ContenderName> {
  readonly contender: N;
  readonly parameters: ContenderParameters[N];
  readonly brokers: string;
  readonly registryUrl: string;
  /** A database for this run only, with all indexes. */
  readonly mongodbUri: string;
  /** Empty when the contender does not use Kafka. */
  readonly topic: string;
  /** A consumer group for this run only. */
  readonly groupId: string;
  /** Number of records to complete. The topic may have more. */
  readonly records: number;
}

/** Consumes or writes the job's topic and reports to the meter. When it resolves, the process exits, even if work is still running. */
export type Contender<N extends ContenderName> = (job: Job<N>, meter: Meter) => Promise<void>;

/** Some contenders by name. */
export type Contenders<N extends ContenderName> = { readonly [name in N]: Contender<name> };
