import { backOffMs, type BackOff } from '../back-off.js';
import { pause, succeededWithin, systemClock, type Clock } from '../clock.js';
import type { OutgoingRecord } from '../record.js';
import { RecordsRefusedError } from '../records/records-refused.js';
import { errorCode } from '../failure.js';
import type { EngineLogger } from '../options.js';
import { protocolType } from './protocol-type.js';

/** Where one partition's part of a batch stands on the topic, as Kafka acknowledged it. */
export interface Acknowledgement {
  readonly partition: number;
  readonly records: number;
  /** Offset of the first of them; -1 where the broker recognised a batch that it had already. */
  readonly baseOffset: number;
}

/** What is wanted of a client's producer: idempotent, `acks=all`. kafkajs's fits. */
export interface ProducerClient {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  send(batch: {
    topic: string;
    acks: number;
    messages: OutgoingRecord[];
  }): Promise<{ partition: number; errorCode: number; baseOffset?: string }[]>;
}

export interface ReliableProducerOptions {
  /** Makes a client with a producer id of its own. Called at the start and whenever the id is spoilt. */
  readonly createClient: () => ProducerClient;
  readonly logger: EngineLogger;
  /** Between tries of one batch. Default 200 ms doubling to 5 s; the tries don't end. */
  readonly backOff?: BackOff;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const CLOSE_PATIENCE_MS = 2_000;
const REFUSALS = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_REQUIRED_ACKS']);
/** After these the client's sequence numbers are no longer the broker's; kafkajs would go on with them for ever. */
const SPOILT = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
]);

/**
 * Sends batches so that a resolved `send` means: every record is on all in-sync replicas. kafkajs alone breaks that in
 * three ways, each closed here:
 * - concurrent sends on one idempotent producer reuse sequence numbers after an error: sends are queued, one at a time;
 * - records without a partition are spread anew by each retry: partitions must be chosen before;
 * - a leader move makes a retry skip partitions and still resolve: the response is held against what was sent, and what
 *   it doesn't cover is sent again before anything else.
 * It tries without end; `close` ends that. Not guaranteed: that no record is on the topic twice (a new producer id after a
 * spoilt one can repeat a batch), so consumers must bear repeats.
 */
export class ReliableProducer {
  private client: ProducerClient | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: ReliableProducerOptions) {}

  /** @throws Error once closed, with the batch's fate unknown; RecordsRefusedError when Kafka will never take it */
  async send(topic: string, records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const sent = this.queue.then(() => this.sendAll(topic, records));
    this.queue = sent.catch(() => undefined);
    return sent;
  }

  /** Lets the batch on its way arrive, for two seconds at most, gives up the rest and disconnects. */
  async close(): Promise<void> {
    this.closed = true;
    const { clock = systemClock } = this.options;
    // The client itself retries for a minute while Kafka is away; whoever closes has no such time.
    await succeededWithin(clock, CLOSE_PATIENCE_MS, this.queue);
    await this.discardClient();
  }

  private async sendAll(topic: string, records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const acknowledged: Acknowledgement[] = [];
    let missing = records;
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
          'a response left partitions out: sending their records again',
        );
        // Nothing at all was covered: the client knows no leader, and asking it without a pause would freeze the process.
        if (covered.size === 0) throw new Error('no partition of the batch has a known leader');
      } catch (error) {
        failures += 1;
        await this.recover(topic, error, failures);
      }
    }
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
    const type = protocolType(error);
    if (type !== undefined && REFUSALS.has(type)) {
      // Other partitions of the batch may have been written, which the client's sequence numbers don't know.
      await this.discardClient();
      throw new RecordsRefusedError(type, { cause: error });
    }
    if (type !== undefined && SPOILT.has(type)) await this.discardClient();
    const wait = backOffMs(backOff, failures, random);
    logger.warn(
      { topic, code: type ?? errorCode(error), reason: String(error), retryInMs: wait },
      'Kafka did not take a batch',
    );
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
      // kafkajs waits for what is on its way, and a broker that hangs answers nothing.
      if (client !== undefined)
        await succeededWithin(this.options.clock ?? systemClock, CLOSE_PATIENCE_MS, client.disconnect());
    } catch (error) {
      this.options.logger.warn({ reason: String(error) }, 'a producer did not disconnect cleanly');
    }
  }
}
