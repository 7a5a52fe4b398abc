import { afterEach, describe, expect, it } from '@jest/globals';
import { DEAD_LETTER_HEADERS } from '@orders-pipeline/parallel-consumer';
import { expectNothingLost } from '../support/member/expect-nothing-lost.js';
import { workerKafka } from '../support/own-servers.js';
import { TestGroup, behaving, numberedRecords, writeAll } from '../support/member/test-group.js';
import { readRecords } from '../support/topic-writer.js';

const BEFORE = 2;
const AFTER = 4;
const KEYS = 20;
const RECORDS = 200;
/** Number of a record that is written after the change, on a partition that the dead-letter topic does not have. */
const POISON = RECORDS + 3;

describe('partitions added to a topic while its consumers run', () => {
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  it('are read from their first record, and their dead letters go to an existing partition', async () => {
    group = await TestGroup.on(workerKafka(), 'added', { partitions: BEFORE });
    const members = [
      group.launch({ inFlight: 50 }, { handlerMs: 2 }),
      group.launch({ inFlight: 50 }, { handlerMs: 2 }),
    ];
    await writeAll(group.kafka, group.topic, numberedRecords(RECORDS, KEYS, BEFORE));
    await group.handles(RECORDS);
    await group.asAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic: group.topic, count: AFTER }] }));
    const added = numberedRecords(RECORDS, KEYS, AFTER, RECORDS);
    await writeAll(
      group.kafka,
      group.topic,
      added.map((record, index) => (index + RECORDS === POISON ? behaving(record, 'poison') : record)),
    );
    await group.handles(2 * RECORDS - 1);
    const [letter] = await readRecords(group.kafka, group.deadLetterTopic, 1);
    expect(letter?.partition).toBe((POISON % AFTER) % BEFORE);
    expect(letter?.headers).toMatchObject({ [DEAD_LETTER_HEADERS.partition]: String(POISON % AFTER) });
    await expectNothingLost(group, 2 * RECORDS, [POISON]);
    for (const member of members) expect(await member.stop()).toBe(0);
    expect(group.effects.anomalies()).toEqual([]);
  });
});
