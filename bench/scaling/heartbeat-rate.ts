import type { ConsumerHeartbeat } from '#orders/consumer-heartbeat.js';

type Progress = Pick<ConsumerHeartbeat, '_id' | 'at' | 'finished' | 'deadLettered'>;

/**
 * What consumers saved per second between two looks, each by the times at which it told of itself.
 * @throws RangeError where one came or went meanwhile, or told nothing new
 */
export function heartbeatRate(first: readonly Progress[], last: readonly Progress[]): number {
  if (first.length !== last.length) throw new RangeError('a consumer came or went while it was measured');
  return last.reduce((sum, now) => {
    const before = first.find(({ _id }) => _id === now._id);
    const seconds = before === undefined ? 0 : (now.at.getTime() - before.at.getTime()) / 1_000;
    if (before === undefined || seconds <= 0) throw new RangeError('a consumer told nothing while it was measured');
    return sum + (savedBy(now) - savedBy(before)) / seconds;
  }, 0);
}

function savedBy({ finished, deadLettered }: Progress): number {
  return finished - deadLettered;
}
