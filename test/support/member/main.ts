/**
 * A member of a consumer group in a separate process, so that a test can kill it. `MemberProcess` starts it with one argument
 * (`MemberSettings` as JSON). It sends `MemberMessage`s, drains on SIGTERM, and ends with its parent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  classifyByNetworkCode,
  type EngineLogger,
  ParallelConsumer,
  type ConsumedRecord,
} from '@orders-pipeline/parallel-consumer';
import { connectKafka, KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';
import { onParentExit } from '#service/process/parent-process.js';
import {
  BEHAVIOUR_HEADER,
  STATUS_REQUEST,
  type LogLine,
  type MemberMessage,
  type MemberSettings,
} from './member-messages.js';
import { toRecordBytes } from './record-bytes.js';
import { seededRandom } from './seeded-random.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as MemberSettings;
const random = seededRandom(settings.seed);

class PoisonError extends Error {
  readonly code = 'poison';
}

/** Resolves once the kernel has the message: from then on it is delivered even if this process is killed. */
async function send(message: MemberMessage): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  process.send?.(message, undefined, {}, (error) => (error === null ? resolve() : reject(error)));
  await promise;
}

function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

async function handle(record: ConsumedRecord): Promise<void> {
  const { partition, offset, key, value, headers } = record;
  const startedAt = monotonicMicroseconds();
  const behaviour = headers[BEHAVIOUR_HEADER]?.toString();
  if (behaviour === 'stall') await new Promise<never>(() => undefined);
  await delay(Math.floor(random() * (settings.handlerMs + 1)));
  if (behaviour === 'poison') throw new PoisonError(`record ${offset} is poison`);
  const text = { key: key === null ? null : String(key), value: String(value) };
  const content = settings.reportsBytes === true ? { ...text, bytes: toRecordBytes(record) } : text;
  await send({
    kind: 'effect',
    effect: { partition, offset, ...content, startedAt, endedAt: monotonicMicroseconds() },
  });
}

function logAt(level: LogLine['level']): (details: object, message: string) => void {
  return (details, message) => void send({ kind: 'log', line: { level, message, details: { ...details } } });
}

const logger: EngineLogger = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
const { brokers, topic, groupId, deadLetterTopic, sessionTimeoutMs, engine } = settings;
const kafka = connectKafka({ brokers: brokers.split(','), clientId: `member-${process.pid}`, logger });
const consumer = new ParallelConsumer(
  {
    handler: handle,
    logger,
    deadLetterTopic,
    classify: (error) => (error instanceof PoisonError ? 'poison' : classifyByNetworkCode(error)),
    ...engine,
  },
  new KafkajsBroker({ kafka, topic, groupId, logger, sessionTimeoutMs }),
);

process.on('message', (message) => {
  if (message === STATUS_REQUEST) void send({ kind: 'status', status: consumer.status });
});
process.once('SIGTERM', () => {
  void consumer.stop().then(() => process.disconnect());
});
// Also runs if the test's process ended; after a stop nothing is left to do.
onParentExit(() => process.exit());

await consumer.start();
