import { describe, expect, it } from '@jest/globals';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { KafkaState } from '../backup/manifest.js';
import { requireLog, startOffsets, writtenSince } from './kafka-obstacles.js';

type Edges = readonly (readonly [begin: number, end: number])[];

function partitions(edges: Edges) {
  return edges.map(([begin, end], partition) => ({ partition, begin, end }));
}

function offsets(committed: readonly (number | null)[]) {
  return committed.map((offset, partition) => ({ partition, offset }));
}

function kafka(orders: Edges, committed: readonly (number | null)[] = [], clusterId = 'one', id = 'a'): KafkaState {
  return {
    clusterId,
    topics: [
      { name: ORDERS_TOPIC, id, retentionMs: 1, partitions: partitions(orders) },
      { name: DEAD_LETTER_TOPIC, id: 'd', retentionMs: -1, partitions: partitions([[0, 3]]) },
    ],
    groups: [
      { id: ORDERS_CONSUMER_GROUP, topic: ORDERS_TOPIC, offsets: offsets(committed) },
      { id: DEAD_LETTER_GROUP, topic: DEAD_LETTER_TOPIC, offsets: offsets([2]) },
    ],
  };
}

const BACKUP = kafka(
  [
    [0, 100],
    [5, 50],
  ],
  [90, null],
);

describe('a restore', () => {
  it('accepts a log that has all records from the offsets of the backup on', () => {
    expect(() =>
      requireLog(
        BACKUP,
        kafka([
          [90, 900],
          [5, 51],
        ]),
      ),
    ).not.toThrow();
  });

  it.each<[string, KafkaState, code: string, text: string]>([
    ['another cluster', kafka([[0, 100]], [], 'two'), 'other-cluster', 'This Kafka is cluster two'],
    ['a topic that was created again', kafka([[0, 100]], [], 'one', 'b'), 'other-topic', 'deleted and created again'],
    [
      'records that retention has deleted',
      kafka([
        [91, 900],
        [0, 50],
      ]),
      'older-than-retention',
      `${ORDERS_TOPIC} partition 0 at offset 90, and Kafka has deleted all before 91`,
    ],
    [
      'records that were deleted of a partition without a commit',
      kafka([
        [0, 900],
        [6, 50],
      ]),
      'older-than-retention',
      'partition 1 at offset 5',
    ],
    [
      'a truncated log',
      kafka([
        [0, 89],
        [0, 50],
      ]),
      'other-topic',
      'partition 0 ends at offset 89, before offset 90',
    ],
    [
      'a partition that was added since and has lost records',
      kafka([
        [0, 900],
        [5, 50],
        [1, 7],
      ]),
      'older-than-retention',
      'partition 2 at offset 0',
    ],
  ])('refuses %s', (_, now, code, text) => {
    expect(() => requireLog(BACKUP, now)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  it('continues both groups where they were, and in added partitions at the first record', () => {
    const now = kafka([
      [0, 900],
      [5, 50],
      [0, 7],
    ]);
    expect(startOffsets(BACKUP, now).map(({ groupId, partition, offset }) => [groupId, partition, offset])).toEqual([
      [ORDERS_CONSUMER_GROUP, 0, 90],
      [ORDERS_CONSUMER_GROUP, 1, 5],
      [ORDERS_CONSUMER_GROUP, 2, 0],
      [DEAD_LETTER_GROUP, 0, 2],
    ]);
    expect(writtenSince(BACKUP, now, ORDERS_TOPIC)).toEqual([
      { partition: 0, from: 100, to: 900 },
      { partition: 1, from: 50, to: 50 },
      { partition: 2, from: 0, to: 7 },
    ]);
  });
});
