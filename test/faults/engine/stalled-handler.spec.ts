import { afterEach, describe, expect, it } from '@jest/globals';
import { DEAD_LETTER_HEADERS } from '@orders-pipeline/parallel-consumer';
import { eventually } from '../../support/eventually.js';
import { expectNothingLost } from '../../support/member/expect-nothing-lost.js';
import { workerKafka } from '../../support/own-servers.js';
import { TestGroup, behaving, numberedRecords, writeAll } from '../../support/member/test-group.js';
import { readRecords } from '../../support/topic-writer.js';

const RECORDS = 2_000;
const PARTITIONS = 4;
const KEYS = 200;
/** On partition 3, after the first record of its key and before eight more. */
const STALLED = 203;
const STALLED_PARTITION = STALLED % PARTITIONS;
const STALLED_OFFSET = Math.floor(STALLED / PARTITIONS);
const STALLED_KEY = String(numberedRecords(STALLED + 1, KEYS, PARTITIONS).at(-1)?.key);
/** Numbers of the records that wait for it. */
const BEHIND = Array.from({ length: RECORDS }, (_, n) => n).filter((n) => n > STALLED && n % KEYS === STALLED % KEYS);

describe('a handler that never settles', () => {
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  async function writeWithStalled(): Promise<void> {
    const records = numberedRecords(RECORDS, KEYS, PARTITIONS);
    const stalling = records.map((record, n) => (n === STALLED ? behaving(record, 'stall') : record));
    await writeAll(group.kafka, group.topic, stalling);
  }

  it('blocks only its own key and the commit of its own partition', async () => {
    group = await TestGroup.on(workerKafka(), 'unlimited', { partitions: PARTITIONS });
    await writeWithStalled();
    group.launch({ inFlight: 100 }, { handlerMs: 20 });
    await group.handles(RECORDS - 1 - BEHIND.length);

    const ends = await group.ends();
    await eventually('everything before the stalled record is committed', async () => {
      const committed = await group.committed();
      return [...ends].every(
        ([partition, end]) => committed.get(partition) === (partition === STALLED_PARTITION ? STALLED_OFFSET : end),
      );
    });
    const handled = group.effects.values();
    expect([STALLED, ...BEHIND].filter((n) => handled.has(String(n)))).toEqual([]);
    expect(group.effects.anomalies()).toEqual([]);
  });

  it('is abandoned after its time limit and dead-lettered; its key and partition continue, and others never wait', async () => {
    group = await TestGroup.on(workerKafka(), 'limited', { partitions: PARTITIONS });
    await writeWithStalled();
    const limit = { attemptTimeoutMs: 3_000, attemptGraceMs: 1_000, maxAttempts: 1 };
    const member = group.launch({ inFlight: 100, ...limit }, { handlerMs: 20 });
    await group.handles(RECORDS - 1 - BEHIND.length);
    const handled = group.effects.values();
    expect(BEHIND.filter((n) => handled.has(String(n)))).toEqual([]);

    await group.handles(RECORDS - 1);
    await expectNothingLost(group, RECORDS, [STALLED]);
    expect(group.effects.repeats()).toEqual([]);
    expect(await member.status()).toMatchObject({
      abandoned: 1,
      deadLettered: 1,
      finished: RECORDS,
      lag: 0,
      inFlight: 0,
    });
    const [letter] = await readRecords(group.kafka, group.deadLetterTopic, 1);
    expect(letter?.key?.toString()).toBe(STALLED_KEY);
    expect(letter?.value?.toString()).toBe(String(STALLED));
    expect(letter?.headers).toMatchObject({
      [DEAD_LETTER_HEADERS.topic]: group.topic,
      [DEAD_LETTER_HEADERS.partition]: String(STALLED_PARTITION),
      [DEAD_LETTER_HEADERS.offset]: String(STALLED_OFFSET),
      [DEAD_LETTER_HEADERS.errorCode]: 'attempt-abandoned',
      [DEAD_LETTER_HEADERS.attempts]: '1',
    });
    expect(await member.stop()).toBe(0);
  });
});
