import type { RuntimeSettings } from '../events/runtime-options.js';
import type { AttemptSettings } from '../attempts/attempt-options.js';
import { pause } from '@orders-pipeline/clock';
import type { Broker } from '../broker/broker.js';

/** Retries for a missing topic: a new topic is not immediately known to every broker. */
const MAX_ATTEMPTS = 20;
const PAUSE_MS = 500;

/** Thrown for a required topic that is missing or has too few partitions. */
export class TopicError extends Error {
  override readonly name = 'TopicError';

  constructor(
    readonly code: 'topic-missing' | 'too-few-partitions',
    message: string,
  ) {
    super(message);
  }
}

/**
 * Checks that the source topic and the dead-letter topic exist, and that the latter has at least as many partitions.
 * Without this check the first record that can't be handled would block its key for ever.
 * @returns the partition count of the dead-letter topic; `undefined` when none is used
 * @throws TopicError when a topic is missing or has too few partitions
 */
export async function checkTopics(
  broker: Broker,
  options: AttemptSettings & RuntimeSettings,
): Promise<number | undefined> {
  const { deadLetterTopic, onDeadLetter } = options;
  const partitions = await countPartitions(broker, broker.topic, 'the source topic', options);
  if (onDeadLetter === 'stop' || deadLetterTopic === undefined) return undefined;
  const deadLetterPartitions = await countPartitions(broker, deadLetterTopic, 'the dead-letter topic', options);
  if (deadLetterPartitions < partitions)
    throw new TopicError(
      'too-few-partitions',
      `the dead-letter topic ${deadLetterTopic} has ${deadLetterPartitions} partitions, fewer than the ${partitions} of ${broker.topic}: add ${partitions - deadLetterPartitions}`,
    );
  return deadLetterPartitions;
}

async function countPartitions(
  broker: Broker,
  topic: string,
  what: string,
  { clock, logger }: RuntimeSettings,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const count = await broker.partitionCount(topic);
    if (count > 0) return count;
    if (attempt === MAX_ATTEMPTS)
      throw new TopicError('topic-missing', `${what} ${topic} does not exist: create it first`);
    if (attempt === 1) logger.warn({ topic }, `${what} does not exist yet: waiting for it`);
    await pause(clock, PAUSE_MS);
  }
}
