import { backOffMs, type BackOff, pause, succeededWithin, systemClock, type Clock } from '@orders-pipeline/clock';
import type { BrokerFailure } from '../broker/broker.js';
import { checkOptions } from '../checks/check-options.js';
import { backOff, ofType, withFunctions, type Check } from '../checks/value-checks.js';
import type { EngineLogger } from '../events/engine-logger.js';
import { errorDetails } from '../failures/failure.js';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import { isKafkaError } from '../protocol/kafka-error.js';
import type { OutgoingRecord } from '../records/record.js';
import type { SendTrace, SendTracer } from '../events/record-tracer.js';
import type { KafkaConnections } from './kafka-connections.js';
import { requireSendable, splitByBytes } from './outgoing-records.js';
import { ProducerSession, type Acknowledgement, type Attempted } from './producer-session.js';
import { UnknownPartitionError } from './unknown-partition.js';

/** What a `ReliableProducer` sends with. */
export interface ReliableProducerOptions {
  /** Returns connections of its own. Called on first use, and whenever the producer id is no longer usable. */
  readonly connect: () => KafkaConnections;
  readonly logger: EngineLogger;
  /** Follows the batches, for traces. Default: none is traced. */
  readonly tracer?: SendTracer;
  /** Back-off between retries of one batch; retries are unlimited. Default 200 ms, doubling to 5 s. */
  readonly backOff?: BackOff;
  readonly clock?: Clock;
  /** Returns numbers from 0 (inclusive) to 1 (exclusive), for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

const OPTION_CHECKS = {
  connect: ofType('function'),
  logger: withFunctions('info', 'warn', 'error'),
  tracer: withFunctions('sending'),
  backOff,
  clock: withFunctions('now', 'after'),
  random: ofType('function'),
} satisfies Record<keyof ReliableProducerOptions, Check>;

const CLOSE_TIMEOUT_MS = 2_000;
/** How long an added partition may be unknown to a broker that answers. */
const KNOWN_WITHIN_MS = 10_000;
/** Kafka rejects the records for good. Not INVALID_TIMESTAMP: each attempt has the present time, so one succeeds once the clock is right. */
const REJECTIONS = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'];
/** The sequence numbers no longer match the broker's. */
const SEQUENCE_ERRORS = [
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
];

const STARTING = new Set(['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE']);

/** One batch under way. */
interface Sending {
  readonly topic: string;
  failures: number;
  /** Since when a partition is unknown; `undefined` while none is. */
  unknownSince: number | undefined;
}

/**
 * Sends batches. A resolved `send` means that every record is on all in-sync replicas, in the order of the sends.
 *
 * The caller chooses the partitions. Batches are sent one at a time, also of different topics: what a broker has not acknowledged is sent again, before
 * anything else, under the same sequence numbers. Retries are unlimited until `close`. Batches are not compressed.
 *
 * Not guaranteed: exactly-once delivery. A new producer id can repeat a batch, so consumers must tolerate duplicates.
 */
export class ReliableProducer {
  private session: ProducerSession | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;
  private failing: BrokerFailure | undefined;
  private readonly clock: Clock;

  /** @throws TypeError that names a wrong, missing or unknown option */
  constructor(private readonly options: ReliableProducerOptions) {
    checkOptions(options, { checks: OPTION_CHECKS, required: ['connect', 'logger'] });
    this.clock = options.clock ?? systemClock;
  }

  /** The failure for which the batch in progress is being retried; `undefined` when it has not failed. */
  get failure(): BrokerFailure | undefined {
    return this.failing;
  }

  /**
   * Sends the records in order. More than 1 MiB for one partition, or 4 MiB for all, are several batches: the next one is sent once the one
   * before is acknowledged.
   * @returns for each batch, the offsets in its partitions
   * @throws TypeError or RangeError at once for a record that can't be sent; UnknownPartitionError when the topic has had no such
   * partition for 10 s; RecordsRejectedError when Kafka rejects some for good; Error when closed. Some records may then be on the topic
   */
  async send(topic: string, records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    requireSendable(records);
    const trace = this.options.tracer?.sending(topic, records);
    const sent = this.queue.then(() => this.sendAll(topic, trace?.records ?? records));
    if (trace !== undefined) endWith(sent, trace);
    this.queue = sent.catch(() => undefined);
    return sent;
  }

  /** Waits up to 2 s for the batch in progress, drops queued batches and disconnects within another 2 s. */
  async close(): Promise<void> {
    this.closed = true;
    await succeededWithin(this.clock, CLOSE_TIMEOUT_MS, this.queue);
    await this.discardSession();
  }

  private async sendAll(topic: string, records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const acknowledged: Acknowledgement[] = [];
    for (const part of splitByBytes(records)) acknowledged.push(...(await this.sendPart(topic, part)));
    return acknowledged;
  }

  private async sendPart(topic: string, records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const sending: Sending = { topic, failures: 0, unknownSince: undefined };
    const acknowledged: Acknowledgement[] = [];
    for (let missing = records; missing.length > 0;) {
      if (this.closed) throw new Error('the producer was closed before Kafka acknowledged the batch');
      const attempted = await this.attempt(topic, missing);
      acknowledged.push(...attempted.acknowledged);
      const done = new Set(attempted.acknowledged.map(({ partition }) => partition));
      missing = missing.filter(({ partition }) => !done.has(partition));
      if (missing.length > 0) await this.recover(sending, attempted.failures);
    }
    this.failing = undefined;
    return acknowledged;
  }

  private async attempt(topic: string, records: readonly OutgoingRecord[]): Promise<Attempted> {
    try {
      const session = await this.opened();
      return await session.send(topic, records);
    } catch (error) {
      return { acknowledged: [], failures: [error] };
    }
  }

  /** Waits before the next attempt. @throws when no further attempt can succeed */
  private async recover(sending: Sending, failures: readonly unknown[]): Promise<void> {
    const final = this.finalError(sending, failures);
    if (final !== undefined) {
      this.failing = undefined;
      // Other records of the batch may be on the topic, which the sequence numbers do not reflect.
      await this.discardSession();
      throw final;
    }
    if (failures.some((error) => isKafkaError(error, ...SEQUENCE_ERRORS))) await this.discardSession();
    sending.failures += 1;
    const { random = Math.random, backOff: given = { initialMs: 200, maxMs: 5_000 }, logger } = this.options;
    const { topic } = sending;
    const { code, reason } = errorDetails(failures[0]);
    this.failing = { topic, since: this.failing?.since ?? this.clock.now(), code, reason };
    const retryInMs = backOffMs(given, sending.failures, random);
    // A cluster that has just started needs a moment for its first producer ids.
    const level = STARTING.has(code) ? 'info' : 'warn';
    logger[level]({ topic, code, reason, retryInMs }, 'batch not sent: retrying');
    await pause(this.clock, retryInMs);
  }

  private finalError(sending: Sending, failures: readonly unknown[]): Error | undefined {
    const rejected = failures.find((error) => isKafkaError(error, ...REJECTIONS));
    if (isKafkaError(rejected, ...REJECTIONS)) return new RecordsRejectedError(rejected.code, { cause: rejected });
    const unknown = failures.find((error) => error instanceof UnknownPartitionError);
    if (unknown === undefined) return undefined;
    // Added partitions become known to one node after another.
    sending.unknownSince ??= this.clock.now();
    return this.clock.now() - sending.unknownSince >= KNOWN_WITHIN_MS ? unknown : undefined;
  }

  private async opened(): Promise<ProducerSession> {
    if (this.session !== undefined) return this.session;
    // `systemClock` keeps the time at which the process has started: a correction of the machine's clock must reach the records.
    const { clock, connect } = this.options;
    const session = new ProducerSession(connect(), clock === undefined ? () => Date.now() : () => clock.now());
    try {
      await session.open();
      if (this.closed) throw new Error('the producer was closed while it connected');
    } catch (error) {
      await session.close();
      throw error;
    }
    this.session = session;
    return session;
  }

  private async discardSession(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    try {
      // A client library may wait for pending requests, and a hanging broker never responds.
      if (session !== undefined) await succeededWithin(this.clock, CLOSE_TIMEOUT_MS, session.close());
    } catch (error) {
      this.options.logger.warn(errorDetails(error), 'producer did not disconnect cleanly');
    }
  }
}

function endWith(sent: Promise<unknown>, trace: SendTrace): void {
  sent.then(
    () => trace.ended(),
    (error: unknown) => trace.ended(error),
  );
}
