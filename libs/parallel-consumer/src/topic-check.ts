import { pause } from './clock.js';
import type { Broker } from './kafka/broker.js';
import type { ResolvedOptions } from './options.js';

/** How long a topic may take to appear: one that was just created is not known to every broker at once. */
const TRIES = 20;
const PAUSE_MS = 500;

/** A topic that the consumer needs is missing, or has too few partitions. */
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
 * Checks that the source topic and the dead-letter topic exist, and that the latter has a partition for each of the former.
 * Without that the first record that can't be handled would stop its key for ever.
 * @returns how many partitions the dead-letter topic has; undefined where none is used
 * @throws TopicError
 */
export async function checkTopics(broker: Broker, options: ResolvedOptions): Promise<number | undefined> {
  const { deadLetterTopic, onDeadLetter } = options;
  const partitions = await countPartitions(broker, broker.topic, 'the source topic', options);
  if (onDeadLetter === 'stop' || deadLetterTopic === undefined) return undefined;
  const forLetters = await countPartitions(broker, deadLetterTopic, 'the dead-letter topic', options);
  if (forLetters < partitions)
    throw new TopicError(
      'too-few-partitions',
      `the dead-letter topic ${deadLetterTopic} has ${forLetters} partitions, fewer than the ${partitions} of ${broker.topic}: add ${partitions - forLetters}`,
    );
  return forLetters;
}

async function countPartitions(
  broker: Broker,
  topic: string,
  what: string,
  { clock, logger }: ResolvedOptions,
): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const count = await broker.partitionCount(topic);
    if (count > 0) return count;
    if (tries === TRIES) throw new TopicError('topic-missing', `${what} ${topic} does not exist: create it first`);
    if (tries === 1) logger.warn({ topic }, `${what} does not exist yet: waiting for it`);
    await pause(clock, PAUSE_MS);
  }
}
