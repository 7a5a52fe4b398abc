// Patches internals of kafkajs 2.2.4, the version that package.json pins, where they do not suit this engine.
import { createRequire } from 'node:module';

/** Applies the patches that every client needs, once per process. */
export function patchKafkajs(): void {
  stopIdleTimers();
  skipUnavailableSeeds();
}

const patched = new Set<string>();

/** Patches a kafkajs class, once per process. @param change gets the prototype to modify and a copy of the original */
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
 * Stops kafkajs's timer on idle connections. kafkajs re-arms a 1 ms timer on every open connection, which costs 3 % of a core
 * when idle and logs a negative-timeout warning on Node 24. The timer is needed only while a request is pending or throttled.
 */
function stopIdleTimers(): void {
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

/** Errors of a connection that is accepted although no broker responds on it. */
const NO_BROKER = new Set(['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError']);

/**
 * Makes kafkajs try the next bootstrap broker also when a broker accepts the connection but does not respond. kafkajs does so only
 * when the connection is refused. While a broker is unavailable, a proxy, load balancer or published port in front of it accepts the
 * connection, then closes it or stays silent. kafkajs retries that broker for a minute and fails, although other brokers are available.
 */
function skipUnavailableSeeds(): void {
  patchOnce<BrokerPoolPrototype>('kafkajs/src/cluster/brokerPool', (prototype, original) => {
    prototype.createSeedBroker = async function createAskedOnce(this: BrokerPoolPrototype): Promise<void> {
      await original.createSeedBroker.call(this);
      const seed = this.seedBroker;
      const connect = seed.connect.bind(seed);
      seed.connect = async () => {
        try {
          await connect();
        } catch (error) {
          // kafkajs tries the next broker only for an error with this name.
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

/** The initial size that a kafkajs encoder requests, in bytes. */
const ENCODER_BYTES = 511;
/** The largest typed array that V8 keeps on its own heap, in bytes. */
const ON_HEAP_BYTES = 64;

let encodersAreShrunk = false;

/**
 * Makes kafkajs encoders start with 64 bytes and grow as needed. kafkajs allocates 512 zeroed off-heap bytes for each header and each
 * record, and most hold fewer than 64. The allocations and the garbage collection they cause are a large part of the cost of a send.
 */
export function shrinkEncoders(): void {
  if (encodersAreShrunk) return;
  encodersAreShrunk = true;
  const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as EncoderClass;
  const { nextPowerOfTwo } = Encoder;
  Encoder.nextPowerOfTwo = (bytes) => (bytes === ENCODER_BYTES ? ON_HEAP_BYTES : nextPowerOfTwo(bytes));
  Encoder.prototype.ensureAvailable = function grow(this: Encoder, bytes: number): void {
    const needed = this.offset + bytes;
    if (needed <= this.buf.length) return;
    // Only written bytes are sent, so the buffer needs no zeroing.
    const larger = Buffer.allocUnsafe(nextPowerOfTwo(needed));
    this.buf.copy(larger, 0, 0, this.offset);
    this.buf = larger;
  };
}
