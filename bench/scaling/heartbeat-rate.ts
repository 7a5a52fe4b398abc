import type { ConsumerHeartbeat } from '#orders/consumer/consumers.js';

type Progress = Pick<ConsumerHeartbeat, '_id' | 'at' | 'finished' | 'deadLettered'>;

/**
 * Returns what consumers saved per second between two samples, each by the times of its own heartbeats.
 * @throws RangeError when a consumer started or stopped meanwhile, or sent no new heartbeat
 */
export function heartbeatRate(first: readonly Progress[], last: readonly Progress[]): number {
  if (first.length !== last.length) throw new RangeError('a consumer started or stopped during the measurement');
  return last.reduce((sum, now) => {
    const before = first.find(({ _id }) => _id === now._id);
    const seconds = before === undefined ? 0 : (now.at.getTime() - before.at.getTime()) / 1_000;
    if (before === undefined || seconds <= 0)
      throw new RangeError('a consumer sent no heartbeat during the measurement');
    return sum + (savedBy(now) - savedBy(before)) / seconds;
  }, 0);
}

function savedBy({ finished, deadLettered }: Progress): number {
  return finished - deadLettered;
}
