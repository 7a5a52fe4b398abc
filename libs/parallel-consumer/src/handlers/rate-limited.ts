import { pause, systemClock, type Clock } from '@orders-pipeline/clock';
import type { RecordHandler } from '../attempts/record-handler.js';
import { AttemptWithdrawnError } from '../attempts/running-attempt.js';
import { checkOptions } from '../checks/check-options.js';
import { ofType, rate, withFunctions, type Check } from '../checks/value-checks.js';

/** How often a handler may be called. */
export interface RateLimit {
  /** Attempts that begin in a second, retries included. Fractions are allowed: 0.5 is one every two seconds. */
  readonly perSecond: number;
  readonly clock?: Clock;
}

const OPTION_CHECKS = {
  perSecond: rate,
  clock: withFunctions('now', 'after'),
} satisfies Record<keyof RateLimit, Check>;

/**
 * Limits how many attempts of a handler begin in a second, such as for a service that allows no more.
 *
 * Guarantees: attempts begin evenly spaced, in the order in which the engine starts them: in n seconds at most n times the rate, and
 * one. Not guaranteed: a limit for the group. Each member has its own, so divide the rate by their number.
 *
 * An attempt that waits is in flight: `inFlight` bounds how many wait, and the attempt's time limit includes the wait. A wait ends when
 * the attempt is aborted.
 * @throws TypeError for a handler that is no function, RangeError for a rate that is not above 0
 */
export function rateLimited(handler: RecordHandler, limit: RateLimit): RecordHandler {
  ofType('function')('handler', handler);
  checkOptions(limit, { checks: OPTION_CHECKS, required: ['perSecond'] });
  const { perSecond, clock = systemClock } = limit;
  const intervalMs = 1_000 / perSecond;
  let next = Number.NEGATIVE_INFINITY;
  return async (record, attempt) => {
    const now = clock.now();
    const beginsAt = Math.max(now, next);
    next = beginsAt + intervalMs;
    if (beginsAt > now) {
      await pause(clock, Math.ceil(beginsAt - now), attempt.signal);
      if (!attempt.isCurrent) throw new AttemptWithdrawnError();
    }
    return handler(record, attempt);
  };
}
