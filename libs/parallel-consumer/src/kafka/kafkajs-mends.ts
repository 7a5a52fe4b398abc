// What of kafkajs's inside is wrong for this engine, and is changed where it stands: version 2.2.4, which package.json pins.
import { createRequire } from 'node:module';

/** All that any client needs, once for the process. */
export function mendKafkajs(): void {
  quietIdleConnections();
  beatThroughClockJumps();
  leaveClosedSeeds();
  endStoppedFetches();
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

interface RunnerPrototype {
  readonly running: boolean;
  readonly fetchManager: { stop(): Promise<void> };
  fetch(nodeId: string): Promise<unknown[]>;
}

/**
 * A consumer that is stopped while kafkajs's fetchers wait for each other, since a broker has gone or come, gets new ones afterwards, which nobody stops
 * any more. Each fetch of theirs is over at once, so that they never let anything else of the process run: no timer, no signal, no end.
 */
function endStoppedFetches(): void {
  patchOnce<RunnerPrototype>('kafkajs/src/consumer/runner', (prototype, original) => {
    prototype.fetch = async function fetchWhileRunning(this: RunnerPrototype, nodeId): Promise<unknown[]> {
      const batches = await original.fetch.call(this, nodeId);
      // Not waited for: they end with this very fetch.
      if (!this.running) void this.fetchManager.stop();
      return batches;
    };
  });
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
export function smallEncoders(): void {
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
