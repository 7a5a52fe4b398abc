import { describe, expect, it } from '@jest/globals';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { KafkaState } from '../backup/manifest.js';
import { describeReport, hasLosses, type RestoreReport } from './restore-report.js';
import { requireLog, startOffsets, writtenSince } from '../backup/kafka-state.js';

/** The first offset of a partition, and the end. */
type Edges = readonly [begin: number, end: number];

/** Returns a Kafka with these partitions of orders. */
function kafka(...orders: readonly Edges[]): KafkaState {
  const partitions = (edges: readonly Edges[]) => edges.map(([begin, end], partition) => ({ partition, begin, end }));
  const offsets = [
    { partition: 0, offset: 90 },
    { partition: 1, offset: null },
  ];
  return {
    clusterId: 'one',
    topics: [
      { name: ORDERS_TOPIC, id: 'a', retentionMs: 1, partitions: partitions(orders) },
      { name: DEAD_LETTER_TOPIC, id: 'd', retentionMs: -1, partitions: partitions([[0, 3]]) },
    ],
    groups: [
      { id: ORDERS_CONSUMER_GROUP, topic: ORDERS_TOPIC, offsets },
      { id: DEAD_LETTER_GROUP, topic: DEAD_LETTER_TOPIC, offsets: [{ partition: 0, offset: 2 }] },
    ],
  };
}

/** Its consumers have committed offset 90 on partition 0, and nothing on partition 1. */
const BACKUP = kafka([0, 100], [5, 50]);
/** Its topics were deleted and created again. */
const RECREATED = { ...BACKUP, topics: BACKUP.topics.map((topic) => ({ ...topic, id: 'b' })) };

describe('a restore', () => {
  it('accepts a log that has all records from the offsets of the backup on', () => {
    expect(() => requireLog(BACKUP, kafka([90, 900], [5, 51]))).not.toThrow();
  });

  it.each<[string, KafkaState, code: string, text: string]>([
    ['another cluster', { ...BACKUP, clusterId: 'two' }, 'other-cluster', 'This Kafka is cluster two'],
    ['a topic that was created again', RECREATED, 'other-topic', 'deleted and created again'],
    [
      'records that retention has deleted',
      kafka([91, 900], [0, 50]),
      'older-than-retention',
      'partition 0 at offset 90, and Kafka has deleted all before 91',
    ],
    [
      'deleted records of a partition without a commit',
      kafka([0, 900], [6, 50]),
      'older-than-retention',
      'partition 1 at offset 5',
    ],
    ['a truncated log', kafka([0, 89], [0, 50]), 'other-topic', 'partition 0 ends at offset 89, before offset 90'],
    [
      'a partition that was added since and has lost records',
      kafka([0, 900], [5, 50], [1, 7]),
      'older-than-retention',
      'partition 2 at offset 0',
    ],
  ])('refuses %s', (_, now, code, text) => {
    expect(() => requireLog(BACKUP, now)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  it('continues both groups where they were, and in added partitions at the first record', () => {
    const now = kafka([0, 900], [5, 50], [0, 7]);
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

describe('the report of a restore', () => {
  const whole: RestoreReport = {
    backup: 'b',
    createdAt: '2026-11-28T01:00:00.000Z',
    restoredAt: '2026-11-28T02:00:00.000Z',
    seconds: 12.3,
    documents: 4_567,
    numbers: { backup: 1_000, next: 1_001, skipped: 0 },
    log: { records: 0, foreign: 0, undecodable: 0 },
    lostOperations: [],
    progressedOperations: [],
    pausedOperations: [],
    redrivenLetters: [],
    lostBetween: { from: '2026-11-28T01:00:00.000Z', to: '2026-11-28T02:00:00.000Z' },
    facadeNextNumber: null,
    formerPartitions: null,
  };

  it('says what was restored, and in which time what is only in MongoDB is lost', () => {
    const text = describeReport(whole).join('\n');
    expect(text).toContain('4,567 documents in 12.3 s. The next order number is 1,001.');
    expect(text).toContain('between 2026-11-28T01:00:00.000Z and 2026-11-28T02:00:00.000Z, is lost');
    expect(text).not.toMatch(/paused|skipped|facade assigns|partitions/);
    expect(hasLosses(whole)).toBe(false);
  });

  it.each<[string, Partial<RestoreReport>, isLoss?: boolean]>([
    [
      'lost: 20 records in the log, order numbers 1,001 to 1,020',
      { lostOperations: [{ id: 'lost', records: 20, firstNumber: 1_001, lastNumber: 1_020, from: '', to: '' }] },
      true,
    ],
    [
      'populate ran: 7 of 9,000 orders sent at the backup',
      { pausedOperations: [{ id: 'ran', kind: 'populate', acked: 7, count: 9_000 }] },
      true,
    ],
    [
      'orders.v1/0/9\n  … 2 more',
      { redrivenLetters: Array.from({ length: 12 }, (_, offset) => `orders.v1/0/${offset}`) },
    ],
    ['100,000,000 order numbers are skipped', { numbers: { backup: 1_000, next: 2_000, skipped: 100_000_000 } }],
    ['legacy numbers from 2,000,000 on', { facadeNextNumber: 2_000_000 }],
    ['had 12 partitions at the backup', { formerPartitions: 12 }],
  ])('says: %s', (text, change, isLoss = false) => {
    const report = { ...whole, ...change };
    expect(describeReport(report).join('\n')).toContain(text);
    expect(hasLosses(report)).toBe(isLoss);
  });
});
