import { partitionsAt, type EarlierPartitions } from '#orders/topics/topic-partitions.js';
import type { SendGate } from '../expansion/send-gate.js';

/**
 * Returns the partition for a redriven record. The original one has the other records of its key, independent of the producer's
 * partitioner. Since the topic got more partitions, that of the key has the newer ones.
 * @param origin where the record was
 */
export function redrivePartition(
  origin: { readonly partition: number; readonly offset: number },
  key: Buffer | null,
  earlier: readonly EarlierPartitions[],
  gate: Pick<SendGate, 'partitions' | 'partitionOf'>,
): number {
  const isEarlier = partitionsAt(earlier, gate.partitions, origin) !== gate.partitions;
  return isEarlier && key !== null ? gate.partitionOf(String(key)) : origin.partition;
}
