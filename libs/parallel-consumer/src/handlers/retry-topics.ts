import { systemClock, type Clock } from '@orders-pipeline/clock';
import { failedCopy } from '../attempts/dead-letter.js';
import type { Attempt, RecordHandler } from '../attempts/record-handler.js';
import type { Broker } from '../broker/broker.js';
import { DelayedBroker } from '../broker/delayed-broker.js';
import { checkOptions } from '../checks/check-options.js';
import {
  aBroker,
  display,
  isObject,
  ofType,
  positiveInteger,
  text,
  timer,
  withFunctions,
  type Check,
} from '../checks/value-checks.js';
import { classifyByNetworkCode, type FailureClassifier } from '../failures/failure.js';
import type { ConsumedRecord } from '../records/record.js';
import { produceHandler, type ProducedRecord } from './produce-handler.js';

/** A topic in which failed records wait. */
export interface RetryStep {
  /** One of the broker's topics. It must exist. */
  readonly topic: string;
  /** How long a record waits, in ms, from its timestamp in this topic on. At most 24 days. */
  readonly delayMs: number;
}

/** Where failed records wait, and after how many attempts. */
export interface RetryTopicsOptions {
  /** At least one, in the order in which a failing record passes through them. */
  readonly steps: readonly RetryStep[];
  /**
   * Attempts in memory, with the consumer's `retryBackOff`, before a record goes to its next topic. Default 3. At most the consumer's
   * `maxAttempts`, after which a record goes to the dead letters.
   */
  readonly attempts?: number;
  /** Only `retriable` failures go to a retry topic. Pass the consumer's `classify`; same default. */
  readonly classify?: FailureClassifier;
  /** Default `systemClock`. Pass the clock of the consumer. */
  readonly clock?: Clock;
}

/** Headers of a record in a retry topic, and of its dead letter: its first origin, its last error, and all of its attempts. */
export const RETRY_HEADERS = {
  topic: 'retry-origin-topic',
  partition: 'retry-origin-partition',
  offset: 'retry-origin-offset',
  timestamp: 'retry-origin-timestamp',
  errorCode: 'retry-error-code',
  errorMessage: 'retry-error-message',
  attempts: 'retry-attempts',
} as const;

const ORIGIN = [RETRY_HEADERS.topic, RETRY_HEADERS.partition, RETRY_HEADERS.offset, RETRY_HEADERS.timestamp];
const DEFAULT_ATTEMPTS = 3;

const OPTION_CHECKS = {
  steps: (name, value) => {
    if (!Array.isArray(value) || value.length === 0)
      throw new TypeError(`${name} must be a list of at least one { topic, delayMs }, got ${display(value)}`);
    for (const [at, step] of value.entries()) checkStep(`${name}[${at}]`, isObject(step) ? step : {});
  },
  attempts: positiveInteger,
  classify: ofType('function'),
  clock: withFunctions('now', 'after'),
} satisfies Record<keyof RetryTopicsOptions, Check>;

/**
 * Lets records that fail again and again wait in retry topics, for minutes or hours, while the records behind them go on. Wraps the broker,
 * which then returns the records of each retry topic only after its delay, and the handler, which sends a failed record to its next topic.
 * The consumer needs both, and no change.
 *
 * Guarantees: a record is acknowledged by all in-sync replicas of its next topic before its offset is committed, so none is lost. It begins no
 * attempt before its delay has passed. `environment` and `poison` failures are handled as without retry topics. A record that also fails in
 * the last topic is dead-lettered, with its first origin in `RETRY_HEADERS`.
 *
 * Not guaranteed: the order of a key. The later records of its key do not wait for a record in a retry topic; those that follow it into the
 * same topic stay behind it. At least once: a record may be in a retry topic twice. The delay is measured from the record's timestamp by this
 * member's clock, and is exact only as far as the two clocks agree. It is not less than `delayMs` after this member has fetched the record
 * if the timestamp is in the future.
 *
 * One fetch of each partition of a retry topic stays in memory while its records wait.
 * @throws TypeError or RangeError that names a wrong, missing or unknown option, and a topic that the broker does not read
 */
export function retryTopics(
  broker: Broker,
  handler: RecordHandler,
  options: RetryTopicsOptions,
): { readonly broker: Broker; readonly handler: RecordHandler } {
  aBroker('broker', broker);
  ofType('function')('handler', handler);
  checkOptions(options, { checks: OPTION_CHECKS, required: ['steps'] });
  const { steps, attempts = DEFAULT_ATTEMPTS, classify = classifyByNetworkCode, clock = systemClock } = options;
  const topics = steps.map(({ topic }) => topic);
  checkTopics(topics, broker.topics);
  const partitions = new PartitionCounts(broker);

  const handle = async (record: ConsumedRecord, attempt: Attempt): Promise<readonly ProducedRecord[]> => {
    try {
      await handler(record, attempt);
      return [];
    } catch (error) {
      const topic = topics[topics.indexOf(record.topic) + 1];
      const isDue = attempt.number >= attempts && attempt.isCurrent && attempt.isDuringOutage !== true;
      if (topic === undefined || !isDue || classify(error) !== 'retriable') throw error;
      const copy = failedAgain(record, error, attempt.number);
      return [{ ...copy, topic, partition: await partitions.within(topic, copy.partition) }];
    }
  };
  return {
    broker: new DelayedBroker(broker, new Map(steps.map(({ topic, delayMs }) => [topic, delayMs])), clock),
    handler: produceHandler({
      producer: { send: async (topic, records) => broker.publish(topic, records) },
      handle,
      clock,
    }),
  };
}

function checkStep(name: string, { topic, delayMs, ...others }: Readonly<Record<string, unknown>>): void {
  text(`${name}.topic`, topic);
  timer(1)(`${name}.delayMs`, delayMs);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`${name}.${unknown} is unknown: a step has topic and delayMs`);
}

function checkTopics(topics: readonly string[], read: readonly string[]): void {
  for (const [at, topic] of topics.entries()) {
    if (topics.indexOf(topic) !== at) throw new TypeError(`steps has the topic ${topic} twice`);
    if (!read.includes(topic))
      throw new TypeError(
        `steps has the topic ${topic}, which is none of the topics of the broker: ${read.join(', ')}`,
      );
  }
  if (read.every((topic) => topics.includes(topic)))
    throw new TypeError(`steps has all topics of the broker: it must also read one whose records are tried first`);
}

/** Copies a record for its next topic. It keeps its first origin, and counts its attempts in all topics. */
function failedAgain(record: ConsumedRecord, error: unknown, attempts: number) {
  const { headers } = record;
  const before = Number(headers[RETRY_HEADERS.attempts] ?? 0);
  const copy = failedCopy(record, RETRY_HEADERS, error, (Number.isSafeInteger(before) ? before : 0) + attempts);
  const origin = ORIGIN.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
  return { ...copy, headers: { ...copy.headers, ...Object.fromEntries(origin) } };
}

/** Maps partitions to those that a retry topic has: it may have fewer than the topic of a record. */
class PartitionCounts {
  private readonly counts = new Map<string, number>();

  constructor(private readonly broker: Broker) {}

  async within(topic: string, partition: number): Promise<number> {
    const count = this.counts.get(topic) ?? (await this.broker.partitionCount(topic));
    // A topic without partitions is being created anew: the publish waits for it.
    if (count === 0) return partition;
    this.counts.set(topic, count);
    return partition % count;
  }
}
