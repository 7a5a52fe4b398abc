import type { ConsumerHeartbeat } from '#orders/consumer/consumers.js';

/** Returns whether, by the heartbeats, exactly `consumers` consumers are ready and share all partitions evenly, without overlap. */
export function areSettled(
  heartbeats: readonly Pick<ConsumerHeartbeat, 'notReadyBecause' | 'partitions'>[],
  consumers: number,
  partitions: number,
): boolean {
  const owned = heartbeats.flatMap((each) => each.partitions.map(({ partition }) => partition));
  const fewest = Math.floor(partitions / consumers);
  return (
    heartbeats.length === consumers &&
    heartbeats.every((each) => each.notReadyBecause === null && each.partitions.length >= fewest) &&
    owned.length === partitions &&
    new Set(owned).size === partitions
  );
}
