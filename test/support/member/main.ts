/**
 * A member of a consumer group in a separate process, so that a test can kill it. `MemberProcess` starts it with one argument
 * (`MemberSettings` as JSON), and `KAFKA_CLIENT` in its environment. It sends `MemberMessage`s, drains on SIGTERM, and ends with its parent.
 */
import { once } from 'node:events';
import {
  type Attempt,
  AttemptAbandonedError,
  AttemptWithdrawnError,
  classifyByNetworkCode,
  type EngineLogger,
  type FailureKind,
  ParallelConsumer,
  type ConsumedRecord,
  produceHandler,
  type RecordHandler,
} from '@orders-pipeline/parallel-consumer';
import { pause, systemClock } from '@orders-pipeline/clock';
import { z } from 'zod';
import { dataClient } from '#service/kafka/kafka-clients.js';
import { onParentExit } from '#service/process/parent-process.js';
import { kafkaSettings } from '#service/settings/kafka-settings.js';
import { loadSettings } from '#service/settings/settings.js';
import { redirectSockets } from '../../chaos/cluster/redirected-sockets.js';
import {
  type AttemptOutcome,
  BEHAVIOUR_HEADER,
  monotonicMicroseconds,
  STATUS_REQUEST,
  type LogLine,
  type MemberMessage,
  type MemberSettings,
  toRecordBytes,
} from './effects.js';
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

let calls = 0;

/** Reports the attempt, whatever becomes of it. */
async function handle(record: ConsumedRecord, attempt: Attempt): Promise<void> {
  calls += 1;
  const call = calls;
  const { topic, partition, offset, key, value } = record;
  const text = { topic, partition, offset, key: key === null ? null : String(key), value: String(value) };
  const { fence, number } = attempt;
  void send({
    kind: 'started',
    at: monotonicMicroseconds(),
    call,
    record: settings.reportsBytes === true ? { ...text, bytes: toRecordBytes(record) } : text,
    fence,
    attempt: number,
  });
  const end = async (outcome: AttemptOutcome): Promise<void> =>
    send({ kind: 'ended', at: monotonicMicroseconds(), call, outcome });
  try {
    await work(record, attempt);
  } catch (error) {
    await end(error instanceof AttemptWithdrawnError ? 'untried' : 'failed');
    throw error;
  }
  await end('done');
}

async function work(record: ConsumedRecord, attempt: Attempt): Promise<void> {
  const { headers, offset } = record;
  const behaviour = headers[BEHAVIOUR_HEADER]?.toString();
  if (behaviour === 'stall') await new Promise<never>(() => undefined);
  if (behaviour === 'wait' && settings.waitsForAbort === true) {
    await once(attempt.signal, 'abort');
    attempt.signal.throwIfAborted();
  }
  await pause(systemClock, Math.floor(random() * (settings.handlerMs + 1)));
  if (behaviour === 'poison') throw new PoisonError(`record ${offset} is poison`);
  await produce?.(record, attempt);
}

/** Returns a handler that sends each record on, to the same partition of another topic. */
function producesTo(topic: string): RecordHandler {
  return produceHandler({
    producer: client.producer(),
    handle: async ({ partition, key, value }) =>
      Promise.resolve([{ topic, partition, key: key && String(key), value, headers: { member: String(process.pid) } }]),
  });
}

function logAt(level: LogLine['level']): (details: object, message: string) => void {
  return (details, message) =>
    void send({ kind: 'log', line: { at: monotonicMicroseconds(), level, message, details: { ...details } } });
}

/** A record that stalls is the only one that does. */
function classify(error: unknown): FailureKind {
  if (error instanceof PoisonError) return 'poison';
  return error instanceof AttemptAbandonedError ? 'retriable' : classifyByNetworkCode(error);
}

const logger: EngineLogger = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
const {
  brokers,
  topic,
  groupId,
  deadLetterTopic,
  sessionTimeoutMs,
  rebalancing = 'eager',
  redirectedPorts = {},
  engine,
} = settings;
redirectSockets(new Map(Object.entries(redirectedPorts).map(([from, to]) => [Number(from), to])));
const { KAFKA_CLIENT } = process.env;
const client = await dataClient(loadSettings(z.object(kafkaSettings), { KAFKA_CLIENT, KAFKA_BROKERS: brokers }), {
  clientId: `member-${process.pid}`,
  logger,
});
const broker = client.broker({ topic, groupId, logger, sessionTimeoutMs, rebalancing });
const readPositions = broker.committed.bind(broker);
broker.committed = async (partitions) => {
  const positions = await readPositions(partitions);
  const read = positions.map(({ partition, from, metadata }) => ({ partition, offset: from, metadata }));
  void send({ kind: 'positions', positions: read });
  return positions;
};
const produce = settings.outputTopic === undefined ? undefined : producesTo(settings.outputTopic);
const consumer = new ParallelConsumer(
  {
    handler: handle,
    logger,
    deadLetterTopic,
    classify,
    ...engine,
  },
  broker,
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
