import { pause } from '../clock.js';
import type { Broker } from '../kafka/broker.js';
import { RecordsRefusedError } from '../kafka/reliable-producer.js';
import type { Task } from '../assignment.js';
import type { ResolvedOptions } from '../options.js';
import { backOffMs } from '../back-off.js';
import { deadLetterOf, withoutValue } from './dead-letter.js';
import { errorCode } from '../failure.js';

/** Publishes dead letters until it is certain: the record stays unfinished meanwhile, and nothing is committed past it. */
export class DeadLetterPublisher {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: Broker,
  ) {}

  /** @returns whether all in-sync replicas have the letter; false: its partition went before */
  async publish({ record, assignment, failedAttempts }: Task, cause: unknown): Promise<boolean> {
    const { clock, deadLetterTopic = '', environmentBackOff, logger, random } = this.options;
    const { topic, partition, offset } = record;
    let letter = deadLetterOf(record, cause, failedAttempts);
    for (let failures = 1; ; failures += 1) {
      try {
        await this.broker.publish(deadLetterTopic, letter);
        logger.warn(
          { topic, partition, offset, code: errorCode(cause), reason: String(cause) },
          'record dead-lettered',
        );
        return true;
      } catch (error) {
        if (assignment.revoked) return false;
        // Too large even for the dead letters: its origin and reason are worth more than a partition that stands still.
        if (error instanceof RecordsRefusedError && letter.value !== null) letter = withoutValue(letter);
        logger.error(
          { topic, partition, offset, reason: String(error), cause: errorCode(cause) },
          'a dead letter could not be published: the record stays unfinished, trying again',
        );
        await pause(clock, backOffMs(environmentBackOff, failures, random));
      }
    }
  }
}
