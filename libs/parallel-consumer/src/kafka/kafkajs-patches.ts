// What of kafkajs's inside is wrong for this engine, and is changed where it stands: version 2.2.4, which package.json pins.
import { createRequire } from 'node:module';

/** All that any client needs, once for the process. */
export function patchKafkajs(): void {
  quietIdleConnections();
  leaveClosedSeeds();
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
