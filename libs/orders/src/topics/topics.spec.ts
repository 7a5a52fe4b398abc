import { describe, expect, it } from '@jest/globals';
import { assert, integer, property, string } from 'fast-check';
import kafkajs from 'kafkajs';
import { javaCompatiblePartitioner } from './topics.js';

/** Chooses the partition with kafkajs, whose hash was ported from the Java client. */
function byKafkajs(key: string, partitions: number): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    leader: 0,
    partitionErrorCode: 0,
    replicas: [],
    isr: [],
  }));
  return kafkajs.Partitioners.DefaultPartitioner()({ topic: 'any', partitionMetadata, message: { key, value: null } });
}

describe('javaCompatiblePartitioner', () => {
  it('chooses the same partition as other Kafka clients, for any key and number of partitions', () => {
    const key = string({ unit: 'binary', maxLength: 40 });
    assert(
      property(key, integer({ min: 1, max: 100 }), (text, partitions) => {
        expect(javaCompatiblePartitioner(partitions)(text)).toBe(byKafkajs(text, partitions));
      }),
      { numRuns: 2_000 },
    );
  });
});
