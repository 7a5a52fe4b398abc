// The only file that imports kafkajs, configured for this engine. The version is pinned to 2.2.4, because `kafkajs-patches.ts` and
// `kafkajs-connections.ts` depend on its internals.
import kafkajs, { type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import { checkOptions } from '../checks/check-options.js';
import { addresses, text, unchecked, withFunctions, type Check } from '../checks/value-checks.js';
import type { EngineLogger } from '../events/engine-logger.js';
import type { SendTracer } from '../events/record-tracer.js';
import { KafkajsConnections } from './kafkajs-connections.js';
import { patchKafkajs } from './kafkajs-patches.js';
import { ReliableProducer } from '../kafka/reliable-producer.js';

/** Connection settings; `ssl`, `sasl` and `retry` have kafkajs's format. `retry` extends or overrides `KAFKA_RETRY`. */
export interface KafkaOptions extends Pick<KafkaConfig, 'ssl' | 'sasl' | 'retry'> {
  /** `host:port` of at least one broker. */
  readonly brokers: readonly string[];
  /** Identifies this client in the broker's logs and quotas. */
  readonly clientId: string;
  readonly logger: EngineLogger;
}

const OPTION_CHECKS = {
  brokers: addresses,
  clientId: text,
  logger: withFunctions('info', 'warn', 'error'),
  ssl: unchecked,
  sasl: unchecked,
  retry: unchecked,
} satisfies Record<keyof KafkaOptions, Check>;

/** Checks a client of kafkajs. */
export const client = withFunctions('producer', 'consumer', 'admin');

/** Retries for about a minute. kafkajs's default of 5 retries ends before a broker has restarted. */
export const KAFKA_RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 30 } as const;

/** With kafkajs's default of 30 s, one unresponsive broker blocks all requests for half a minute. */
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Creates a kafkajs client that retries while brokers restart, logs through the given logger and runs no timers while idle.
 * @throws TypeError that names a wrong, missing or unknown option
 */
export function connectKafka(options: KafkaOptions): Kafka {
  checkOptions(options, { checks: OPTION_CHECKS, required: ['brokers', 'clientId', 'logger'] });
  const { brokers, clientId, logger, retry, ...security } = options;
  patchKafkajs();
  const config: KafkaConfig = {
    ...security,
    brokers: [...brokers],
    clientId,
    retry: { ...KAFKA_RETRY, ...retry },
    connectionTimeout: 5_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    logCreator: () => (entry) => forwardLog(entry, logger),
    // At `info`, kafkajs logs each join and each retry, which the engine logs itself.
    logLevel: kafkajs.logLevel.WARN,
  };
  return new kafkajs.Kafka(config);
}

/** Creates a producer whose `send` resolves only when every record is on all in-sync replicas. @throws TypeError without a client or a logger */
export function reliableProducer(kafka: Kafka, logger: EngineLogger, tracer?: SendTracer): ReliableProducer {
  client('kafka', kafka);
  return new ReliableProducer({
    connect: () => new KafkajsConnections(kafka),
    logger,
    ...(tracer !== undefined && { tracer }),
  });
}

/** kafkajs logs this for every idempotent producer with limited retries; `ReliableProducer` retries without limit. */
const HARMLESS = 'Limiting retries for the idempotent producer';

function forwardLog({ level, namespace, log }: LogEntry, logger: EngineLogger): void {
  const { message, timestamp: _timestamp, logger: _logger, ...details } = log;
  if (message.startsWith(HARMLESS)) return;
  // The caller of the failed request gets the error too, and retries or logs it: `info` is enough here, and `debug` for an error that
  // a broker answers with, such as that it is not the leader of a new topic yet.
  if (namespace === 'Connection' && message.startsWith('Response '))
    logger.debug?.({ ...details, from: namespace }, message);
  else if (level === kafkajs.logLevel.ERROR && namespace !== 'Connection')
    logger.error({ ...details, from: namespace }, message);
  else if (level === kafkajs.logLevel.WARN) logger.warn({ ...details, from: namespace }, message);
  else logger.info({ ...details, from: namespace }, message);
}
