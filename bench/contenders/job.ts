import type { FetchSize } from '../harness/fetch-size.js';

/** Bounds of a save's simulated wait, in ms, evenly drawn. */
export interface SaveMs {
  readonly minimum: number;
  readonly maximum: number;
}

/** A fixed limit, or the engine finds it. */
export type InFlight = number | 'auto';

/** Every contender by its name, and what it can be set to. */
export interface ContenderParameters {
  /** The engine, key mode; its handler only waits. */
  readonly 'engine-wait': { readonly inFlight: InFlight; readonly saveMs: SaveMs };
  /** The engine, key mode, with a handler that does nothing. */
  readonly 'engine-no-op': { readonly inFlight: InFlight; readonly fetch: FetchSize };
  /** A bare `eachBatch` loop that awaits the same handler for each message. */
  readonly 'bare-loop': { readonly fetch: FetchSize };
  /** The consumer app's path: wait, decode, group commit. */
  readonly 'engine-save': { readonly inFlight: InFlight; readonly saveMs: SaveMs };
  /** The same path through the NestJS strategy. */
  readonly 'nest-save': { readonly inFlight: InFlight; readonly saveMs: SaveMs };
  /** What one writes with kafkajs alone: all of a batch at once, one `insertMany`. No order by key, no bound. */
  readonly 'plain-save': {
    readonly partitionsConsumedConcurrently: number;
    readonly fetch: FetchSize;
    readonly saveMs: SaveMs;
  };
  /** `eachMessage`, as NestJS's own Kafka transport does: one record at a time of each partition. */
  readonly 'one-at-a-time': { readonly saveMs: SaveMs };
  /** The engine, with a handler that does nothing, but never ends for the first record of one key. */
  readonly 'engine-stalled-key': { readonly inFlight: InFlight; readonly stalledKey: string; readonly stillMs: number };
  /** The producer app's emission of one populate: generator, codec, reliable producer, and its progress in MongoDB. */
  readonly 'app-emission': { readonly chunkSize: number };
  /** kafkajs's `send` alone, one after another, of records that were made before. */
  readonly 'bare-send': { readonly recordsPerSend: number };
  /** The driver's cursor alone, over saved orders by number. */
  readonly 'bare-cursor': Record<string, never>;
}

export type ContenderName = keyof ContenderParameters;

/** One run of a contender, as its process is told. */
export interface Job<N extends ContenderName = ContenderName> {
  readonly contender: N;
  readonly parameters: ContenderParameters[N];
  readonly brokers: string;
  readonly registryUrl: string;
  /** A database of this run alone, with the indexes made. */
  readonly mongodbUri: string;
  /** Empty where nothing of Kafka is read or written. */
  readonly topic: string;
  /** A consumer group of this run alone. */
  readonly groupId: string;
  /** How many records to finish. The topic may have more. */
  readonly records: number;
}
