import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';
import type { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { LogRange } from './kafka-obstacles.js';

interface OpenPartition {
  readonly fetches: AsyncGenerator<readonly ConsumedRecord[]>;
  /** The time of its last record that was read. */
  at: number;
}

/**
 * Yields the records of a topic fetch by fetch, from the partition whose records were read up to the earliest time: orders that were sent
 * together then come together, although they are on several partitions.
 */
export async function* readLog(
  reader: Pick<RecordReader, 'readRange'>,
  topic: string,
  ranges: readonly LogRange[],
): AsyncGenerator<readonly ConsumedRecord[]> {
  const open = new Set<OpenPartition>(
    ranges
      .filter(({ from, to }) => from < to)
      .map(({ partition, from, to }) => ({ fetches: reader.readRange(topic, partition, { from, to }), at: 0 })),
  );
  while (open.size > 0) {
    const next = [...open].reduce((earliest, each) => (each.at < earliest.at ? each : earliest));
    const { value } = await next.fetches.next();
    if (value === undefined) {
      open.delete(next);
      continue;
    }
    const records = value as readonly ConsumedRecord[];
    next.at = records.at(-1)?.timestamp ?? next.at;
    yield records;
  }
}
