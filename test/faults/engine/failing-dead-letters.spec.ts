import { afterEach, describe, expect, it } from '@jest/globals';
import { DEAD_LETTER_HEADERS, type OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { eventually } from '../../support/eventually.js';
import { expectNothingLost } from '../../support/member/expect-nothing-lost.js';
import type { MemberProcess } from '../../support/member/member-process.js';
import { workerKafka } from '../../support/own-servers.js';
import { TestGroup, behaving, numberedRecords, writeAll } from '../../support/member/test-group.js';
import { changeTopicSettings, deleteTopic, readRecords } from '../../support/topic-writer.js';

const RECORDS = 400;
const PARTITIONS = 4;
const KEYS = 40;
const POISON = 42;
const POISON_PARTITION = POISON % PARTITIONS;
const POISON_OFFSET = Math.floor(POISON / PARTITIONS);
/** Number of later records with the same key. */
const BEHIND = (RECORDS - POISON - (KEYS - (POISON % KEYS) - 1) - 1) / KEYS;

describe('a dead-letter topic that rejects dead letters', () => {
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  async function writeWithPoison(value: Buffer = Buffer.from('poison')): Promise<void> {
    const records = numberedRecords(RECORDS, KEYS, PARTITIONS);
    const poisoned = (record: OutgoingRecord): OutgoingRecord => behaving({ ...record, value }, 'poison');
    await writeAll(
      group.kafka,
      group.topic,
      records.map((record, n) => (n === POISON ? poisoned(record) : record)),
    );
  }

  /** Waits until all records that don't depend on the dead letter are handled and committed, and checks that no others are. */
  async function isHeldAtPoison(member: MemberProcess): Promise<void> {
    await group.handles(RECORDS - 1 - BEHIND);
    const ends = await group.ends();
    await eventually('everything before the poison record is committed', async () => {
      const committed = await group.committed();
      return [...ends].every(
        ([partition, end]) => committed.get(partition) === (partition === POISON_PARTITION ? POISON_OFFSET : end),
      );
    });
    expect(group.effects.handled).toBe(RECORDS - 1 - BEHIND);
    const { partitions } = await member.status();
    const holders = partitions.flatMap(({ oldestRecord }) => oldestRecord ?? []);
    expect(holders).toMatchObject([{ offset: POISON_OFFSET, key: `key-${POISON % KEYS}` }]);
  }

  async function completes(member: MemberProcess): Promise<void> {
    await group.handles(RECORDS - 1);
    await expectNothingLost(group, RECORDS, [POISON]);
    expect(group.effects.repeats()).toEqual([]);
    expect(await member.status()).toMatchObject({ deadLettered: 1, finished: RECORDS, lag: 0 });
    expect(await member.stop()).toBe(0);
  }

  const origin = {
    [DEAD_LETTER_HEADERS.partition]: String(POISON_PARTITION),
    [DEAD_LETTER_HEADERS.offset]: String(POISON_OFFSET),
    [DEAD_LETTER_HEADERS.errorCode]: 'poison',
  };

  it('because it is missing at the start: the consumer fails to start, and names it', async () => {
    group = await TestGroup.on(workerKafka(), 'missing', { partitions: PARTITIONS }, 'without dead letters');
    const member = group.launch({ inFlight: 50 }, { handlerMs: 10 });
    expect(await member.ends()).toMatch(`the dead-letter topic ${group.deadLetterTopic} does not exist`);
  });

  it('because it has fewer partitions than the source: the consumer fails to start, and names both numbers', async () => {
    group = await TestGroup.on(workerKafka(), 'few', { partitions: PARTITIONS }, 'without dead letters');
    await group.createTopic(group.deadLetterTopic, { partitions: 1 });
    const member = group.launch({ inFlight: 50 }, { handlerMs: 10 });
    expect(await member.ends()).toMatch(
      `the source topic ${group.topic} has ${PARTITIONS} partitions; the dead-letter topic ${group.deadLetterTopic} has 1 partition.`,
    );
  });

  it('because it was deleted: no offset past the record is committed until the topic is created again', async () => {
    group = await TestGroup.on(workerKafka(), 'deleted', { partitions: PARTITIONS });
    const member = group.launch({ inFlight: 50 }, { handlerMs: 10 });
    await member.joins();
    await group.asAdmin((admin) => deleteTopic(admin, group.deadLetterTopic));
    await writeWithPoison();
    await isHeldAtPoison(member);
    const reason = `dead letters could not be published to ${group.deadLetterTopic} since `;
    await eventually('the member is not ready, with the topic and the reason', async () => {
      return (await member.status()).notReadyBecause?.startsWith(reason) === true;
    });

    await group.createTopic(group.deadLetterTopic, { partitions: PARTITIONS });
    await completes(member);
    const [letter] = await readRecords(group.kafka, group.deadLetterTopic, 1);
    expect(letter?.value?.toString()).toBe('poison');
    expect(letter?.headers).toMatchObject(origin);
  });

  it('because max.message.bytes is below any dead letter: no offset past the record is committed until it is raised', async () => {
    group = await TestGroup.on(workerKafka(), 'small', { partitions: PARTITIONS }, 'without dead letters');
    const tooSmall = { 'max.message.bytes': '100' };
    await group.createTopic(group.deadLetterTopic, { partitions: PARTITIONS, config: tooSmall });
    await writeWithPoison(Buffer.alloc(5_000, 'p'));
    const member = group.launch({ inFlight: 50 }, { handlerMs: 10 });
    await isHeldAtPoison(member);

    await group.asAdmin((admin) =>
      changeTopicSettings(admin, group.deadLetterTopic, { 'max.message.bytes': '100000' }),
    );
    await completes(member);
    const [letter] = await readRecords(group.kafka, group.deadLetterTopic, 1);
    expect(letter?.headers).toMatchObject(origin);
    // The dead letter has either the whole value or the header with the number of omitted bytes.
    expect(Number(letter?.headers[DEAD_LETTER_HEADERS.omitted] ?? letter?.value?.length)).toBe(5_000);
  });

  it('because of its size: the dead letter is published without its value, with the number of omitted bytes', async () => {
    group = await TestGroup.on(workerKafka(), 'smaller', { partitions: PARTITIONS }, 'without dead letters');
    const smaller = { 'max.message.bytes': '2000' };
    await group.createTopic(group.deadLetterTopic, { partitions: PARTITIONS, config: smaller });
    await writeWithPoison(Buffer.alloc(5_000, 'p'));
    const member = group.launch({ inFlight: 50 }, { handlerMs: 10 });
    await completes(member);
    const [letter] = await readRecords(group.kafka, group.deadLetterTopic, 1);
    expect(letter?.value?.length ?? 0).toBe(0);
    expect(letter?.headers).toMatchObject({ ...origin, [DEAD_LETTER_HEADERS.omitted]: '5000' });
  });
});
