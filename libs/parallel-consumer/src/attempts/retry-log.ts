import type { RuntimeSettings } from '../events/runtime-options.js';
import { LogThrottle } from '../events/log-throttle.js';
import { errorDetails } from '../failures/failure.js';
import type { Task } from '../partition/assignment-and-tasks.js';
import type { AttemptSettings } from './attempt-options.js';

const INTERVAL_MS = 10_000;

/**
 * Logs the failed attempts that are retried: one every 10 s as a warning, with the number of retries since the last one, and all
 * others at `debug`. With thousands of records in flight, a warning for each would flood the log.
 */
export class RetryLog {
  private readonly throttle: LogThrottle;

  constructor(private readonly options: AttemptSettings & RuntimeSettings) {
    this.throttle = new LogThrottle(options.clock, INTERVAL_MS);
  }

  retrying(
    { record: { topic, partition, offset }, failedAttempts, trace }: Task,
    error: unknown,
    retryInMs: number,
  ): void {
    const { logger, maxAttempts } = this.options;
    const details = {
      topic,
      partition,
      offset,
      attempt: failedAttempts,
      maxAttempts,
      ...errorDetails(error),
      retryInMs,
      ...trace?.logFields,
    };
    const otherRetries = this.throttle.next();
    if (otherRetries === undefined) logger.debug?.(details, 'attempt failed: retrying');
    else logger.warn({ ...details, otherRetries }, 'attempt failed: retrying');
  }
}
