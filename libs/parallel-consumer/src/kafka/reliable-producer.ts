import { backOffMs, type BackOff, pause, succeededWithin, systemClock, type Clock } from '@orders-pipeline/clock';
import type { BrokerFailure } from '../broker/broker.js';
import type { OutgoingRecord } from '../records/record.js';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import { errorDetails } from '../failures/failure.js';
import type { EngineLogger } from '../events/engine-logger.js';
import { requireSendable } from './outgoing-records.js';
import { getProtocolErrorType } from './protocol-type.js';
import { UnknownPartitionError, UnknownPartitions, type CountPartitions } from './unknown-partition.js';

/** The offsets that Kafka acknowledged for one partition's part of a batch. */
export interface Acknowledgement {
  readonly partition: number;
  readonly records: number;
  /** Offset of the first record; -1 when the broker recognised a duplicate batch. */
  readonly baseOffset: number;
}

/** The required client: an idempotent producer with `acks=all`. kafkajs's producer implements this. */
export interface ProducerClient {
  /** Connects; called before the first `send`. */
  connect(): Promise<void>;
  /** Disconnects; the client is not used afterwards. */
  disconnect(): Promise<void>;
  /** Sends one batch, and returns what each partition acknowledged. */
  send(batch: {
    topic: string;
    acks: number;
    messages: OutgoingRecord[];
  }): Promise<{ partition: number; errorCode: number; baseOffset?: string }[]>;
}

/** What a `ReliableProducer` sends with. */
export interface ReliableProducerOptions {
  /** Creates a client with its own producer id. Called on first use and whenever the producer id is no longer usable. */
  readonly createClient: () => ProducerClient;
  /** Asked when no leader is known for the records of a batch. */
  readonly countPartitions: CountPartitions;
  readonly logger: EngineLogger;
  /** Back-off between retries of one batch; retries are unlimited. Default 200 ms, doubling to 5 s. */
  readonly backOff?: BackOff;
  readonly clock?: Clock;
  /** Returns numbers from 0 (inclusive) to 1 (exclusive), for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

const CLOSE_TIMEOUT_MS = 2_000;
/** Kafka rejects the records for good. */
const REJECTIONS = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_REQUIRED_ACKS']);
/** The client's sequence numbers no longer match the broker's. kafkajs would keep using them without end. */
const SEQUENCE_ERRORS = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
]);

/**
 * Sends batches. A resolved `send` means that every record is on all in-sync replicas. kafkajs alone breaks this guarantee in
 * three ways, each fixed here:
 * - Concurrent sends on one idempotent producer reuse sequence numbers after an error. Sends are queued, one at a time.
 * - Each retry assigns new partitions to records without one. The caller must choose the partitions.
 * - When a leader moves, a retry skips partitions and still resolves. The response is compared with the sent records, and
 *   missing records are sent again before anything else.
 *
 * Retries are unlimited until `close`. Not guaranteed: exactly-once delivery. A new producer id can repeat a batch, so consumers
 * must tolerate duplicates.
 */
export class ReliableProducer {
  private client: ProducerClient | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;
  private failing: BrokerFailure | undefined;

  constructor(private readonly options: ReliableProducerOptions) {}

  /** The failure for which the batch in progress is being retried; `undefined` when it has not failed. */
  get failure(): BrokerFailure | undefined {
    return this.failing;
  }

  /**
   * Sends the records in order.
   * @throws TypeError or RangeError at once for a record that can't be sent; UnknownPartitionError when the topic has had no such
   * partition for 10 s; RecordsRejectedError when Kafka rejects them for good; Error when closed, and then some records may be on the topic
   */
  async send(topic: string, records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    requireSendable(records);
    const sent = this.queue.then(() => this.sendAll(topic, records));
    this.queue = sent.catch(() => undefined);
    return sent;
  }

  /** Waits up to 2 s for the batch in progress, drops queued batches and disconnects within another 2 s. */
  async close(): Promise<void> {
    this.closed = true;
    const { clock = systemClock } = this.options;
    // While Kafka is unavailable, the client retries for up to a minute, which is too long for a shutdown.
    await succeededWithin(clock, CLOSE_TIMEOUT_MS, this.queue);
    await this.discardClient();
  }

  private async sendAll(topic: string, records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const acknowledged: Acknowledgement[] = [];
    let missing = records;
    const { clock = systemClock, countPartitions } = this.options;
    const unknown = new UnknownPartitions(countPartitions, clock);
    for (let failures = 0; missing.length > 0;) {
      if (this.closed) throw new Error('the producer was closed before Kafka acknowledged the batch');
      try {
        const client = await this.connected();
        const covered = await this.sendOnce(client, topic, missing);
        acknowledged.push(...covered.values());
        missing = missing.filter(({ partition }) => !covered.has(partition));
        if (missing.length === 0) break;
        this.options.logger.warn(
          { topic, records: missing.length },
          'response did not cover all partitions: sending their records again',
        );
        // The client knows no leader. Retrying it without a back-off would block the event loop.
        if (covered.size === 0) throw new Error(await unknown.explain(topic, missing));
      } catch (error) {
        failures += 1;
        await this.recover(topic, error, failures);
      }
    }
    this.failing = undefined;
    return acknowledged;
  }

  private async sendOnce(
    client: ProducerClient,
    topic: string,
    records: readonly OutgoingRecord[],
  ): Promise<Map<number, Acknowledgement>> {
    const counts = new Map<number, number>();
    for (const { partition } of records) counts.set(partition, (counts.get(partition) ?? 0) + 1);
    const response = await client.send({ topic, acks: -1, messages: [...records] });
    const covered = new Map<number, Acknowledgement>();
    for (const { partition, errorCode: code, baseOffset } of response)
      if (code === 0 && counts.has(partition))
        covered.set(partition, {
          partition,
          records: counts.get(partition) ?? 0,
          baseOffset: Number(baseOffset ?? -1),
        });
    return covered;
  }

  private async recover(topic: string, error: unknown, failures: number): Promise<void> {
    const {
      clock = systemClock,
      random = Math.random,
      backOff = { initialMs: 200, maxMs: 5_000 },
      logger,
    } = this.options;
    if (error instanceof UnknownPartitionError) {
      this.failing = undefined;
      throw error;
    }
    const type = getProtocolErrorType(error);
    if (type !== undefined && REJECTIONS.has(type)) {
      // Other partitions of the batch may have been written, which the client's sequence numbers do not reflect.
      this.failing = undefined;
      await this.discardClient();
      throw new RecordsRejectedError(type, { cause: error });
    }
    if (type !== undefined && SEQUENCE_ERRORS.has(type)) await this.discardClient();
    const { code, reason } = errorDetails(error);
    this.failing = { topic, since: this.failing?.since ?? clock.now(), code: type ?? code, reason };
    const wait = backOffMs(backOff, failures, random);
    logger.warn({ topic, code: type ?? code, reason, retryInMs: wait }, 'batch not sent: retrying');
    await pause(clock, wait);
  }

  private async connected(): Promise<ProducerClient> {
    if (this.client !== undefined) return this.client;
    const client = this.options.createClient();
    await client.connect();
    if (this.closed) {
      await client.disconnect();
      throw new Error('the producer was closed while it connected');
    }
    this.client = client;
    return client;
  }

  private async discardClient(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    try {
      // kafkajs waits for pending requests, and a hanging broker never responds.
      if (client !== undefined)
        await succeededWithin(this.options.clock ?? systemClock, CLOSE_TIMEOUT_MS, client.disconnect());
    } catch (error) {
      this.options.logger.warn(errorDetails(error), 'producer did not disconnect cleanly');
    }
  }
}
