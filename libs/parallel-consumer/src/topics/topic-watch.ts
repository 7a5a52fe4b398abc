import { pause } from '@orders-pipeline/clock';
import type { AttemptSettings } from '../attempts/attempt-options.js';
import type { Broker } from '../broker/broker.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import { errorDetails } from '../failures/failure.js';
import { findTopicError, type RequiredTopic, type TopicError } from './topic-error.js';

/** Retries for a missing topic at the start: a new topic is not immediately known to every broker. */
const MAX_ATTEMPTS = 20;
const PAUSE_MS = 500;
const INTERVAL_MS = 10_000;

/**
 * Checks that the source topics and the dead-letter topic exist, and that the latter has at least as many partitions: at the start,
 * and every 10 s while the consumer runs. Without this check the first record that can't be handled would block its key for ever.
 */
export class TopicWatch {
  private error: TopicError | undefined;
  private cancel: (() => void) | undefined;
  private stopped = false;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    private readonly broker: Broker,
    /** Receives the partition count of the dead-letter topic. */
    private readonly deadLetters: { partitions: number },
  ) {}

  /** Why the consumer is not ready: a topic is missing. Too few partitions delay no record, so they do not count. */
  get missing(): string | undefined {
    return this.error?.code === 'topic-missing' ? this.error.message : undefined;
  }

  /**
   * Checks the topics before the start. Waits up to 10 s for a missing topic.
   * @throws TopicError when a topic is missing or has too few partitions; the broker's own error when no node responds
   */
  async require(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const error = findTopicError(await this.readTopics());
      if (error === undefined) return;
      if (error.code !== 'topic-missing' || attempt === MAX_ATTEMPTS) throw error;
      const { clock, logger } = this.options;
      if (attempt === 1) logger.warn({ topics: error.topics }, 'topic does not exist yet: waiting for it');
      await pause(clock, PAUSE_MS);
    }
  }

  /** Checks the topics regularly from now on. */
  start(): void {
    if (this.stopped) return;
    this.cancel = this.options.clock.after(INTERVAL_MS, () => {
      void this.check().then(() => this.start());
    });
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  private async check(): Promise<void> {
    const { logger } = this.options;
    try {
      const error = findTopicError(await this.readTopics());
      // Each problem is logged once, not every 10 s.
      if (error?.message === this.error?.message) return;
      this.error = error;
      if (error === undefined) logger.info({}, 'topics are complete again');
      else if (error.code === 'topic-missing')
        logger.error({ code: error.code, reason: error.message }, 'not ready: topic deleted');
      else logger.warn({ code: error.code, reason: error.message }, 'dead letters of new partitions share a partition');
    } catch (error) {
      if (!this.stopped) logger.warn(errorDetails(error), 'topics could not be checked: retrying');
    }
  }

  private async readTopics(): Promise<RequiredTopic[]> {
    const { broker, deadLetters } = this;
    const { deadLetterTopic, onDeadLetter } = this.options;
    const sources: RequiredTopic[] = [];
    for (const topic of broker.topics)
      sources.push({ role: 'source', topic, partitions: await broker.partitionCount(topic) });
    if (onDeadLetter === 'stop' || deadLetterTopic === undefined) return sources;
    const partitions = await broker.partitionCount(deadLetterTopic);
    // While the topic is missing, dead letters keep their partition: it is to be created with at least as many.
    if (partitions > 0) deadLetters.partitions = partitions;
    return [...sources, { role: 'dead-letter', topic: deadLetterTopic, partitions }];
  }
}
