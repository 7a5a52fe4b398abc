import { SILENT_AFTER_MS, type RegisteredProducer } from '#orders/topics/topic-partitions.js';

/** Returns the producers that have given no sign of life for ten seconds. @param now by MongoDB's clock */
export function silentProducers(producers: readonly RegisteredProducer[], now: Date): readonly RegisteredProducer[] {
  return producers.filter(({ at }) => now.getTime() - at.getTime() > SILENT_AFTER_MS);
}

/** Says which producers are silent, and what to do. */
export function describeSilent(producers: readonly RegisteredProducer[], now: Date): string {
  const each = producers.map(
    ({ host, pid, id, at }) =>
      `producer ${id} (${host}, process ${pid}) for ${Math.round((now.getTime() - at.getTime()) / 1_000)} s`,
  );
  const gone = producers.map(({ id }) => `--gone ${id}`).join(' ');
  return (
    `Silent: ${each.join(', ')}. A process that hangs may send later, and break the order of accounts: make sure that it has ended, ` +
    `and add ${gone}.`
  );
}

/** Returns the producers that have not closed for an expansion yet. */
export function openProducers(
  producers: readonly RegisteredProducer[],
  expansionId: string,
): readonly RegisteredProducer[] {
  return producers.filter(({ closedFor }) => closedFor !== expansionId);
}

/** Says which producers have not closed. */
export function describeOpen(producers: readonly RegisteredProducer[]): string {
  const each = producers.map(({ host, pid, id }) => `producer ${id} (${host}, process ${pid})`);
  return `waiting for the last acknowledgement of ${each.join(', ')}`;
}
