// Patches internals of kafkajs 2.2.4, the version that package.json pins, where they do not suit this engine.
import { createRequire } from 'node:module';
import { encodeBatch, type BatchToEncode, type RecordToEncode } from '../records/encode-batch.js';

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

/** What kafkajs passes to its encoder of record batches. */
interface KafkajsBatch extends Pick<BatchToEncode, 'records' | 'producerEpoch' | 'firstSequence'> {
  /** 0 for none. */
  readonly compression?: number;
  readonly firstTimestamp: number | string;
  readonly maxTimestamp: number | string;
  readonly producerId?: { toString(): string };
  readonly transactional?: boolean;
}
type EncodeRecord = (record: RecordToEncode) => object;
interface BatchEncoder {
  RecordBatch: (batch: Omit<KafkajsBatch, 'records'> & { readonly records: readonly object[] }) => Promise<object>;
}

let batchesAreEncodedHere = false;

/**
 * Encodes uncompressed record batches in one buffer. kafkajs allocates a buffer for each record and each header, and copies all of them
 * several times: that cost three times as much. It takes effect if no producer of this process has sent before.
 */
export function encodeBatchesAtOnce(): void {
  if (batchesAreEncodedHere) return;
  batchesAreEncodedHere = true;
  const require = createRequire(import.meta.url);
  const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as EncodeRecord;
  const encoder = require('kafkajs/src/protocol/recordBatch/v0') as BatchEncoder;
  const encodeOriginally = encoder.RecordBatch;
  const recordModule = require.cache[require.resolve('kafkajs/src/protocol/recordBatch/record/v0')];
  if (recordModule === undefined) return;
  recordModule.exports = (record: RecordToEncode) => record;
  encoder.RecordBatch = async (batch) => {
    const given = batch as KafkajsBatch;
    if (given.compression) return encodeOriginally({ ...batch, records: given.records.map(encodeRecord) });
    return Promise.resolve(asEncoder(encodeKafkajsBatch(given)));
  };
}

/** Encodes a batch that kafkajs has prepared. */
export function encodeKafkajsBatch({ producerId = -1, ...batch }: KafkajsBatch): Buffer {
  return encodeBatch({
    records: batch.records,
    firstTimestamp: Number(batch.firstTimestamp),
    maxTimestamp: Number(batch.maxTimestamp),
    producerId: BigInt(producerId.toString()),
    producerEpoch: batch.producerEpoch,
    firstSequence: batch.firstSequence,
    isTransactional: batch.transactional === true,
  });
}

/** Returns bytes in the form of a kafkajs encoder. */
function asEncoder(bytes: Buffer): object {
  return { buf: bytes, buffer: bytes, size: () => bytes.length };
}
