import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import type { MemberProcess } from '../../support/member/member-process.js';
import { workerKafka } from '../../support/own-servers.js';
import { topicOffsets } from '../../support/topic-writer.js';
import { TestGroup, numberedRecords, writeAll } from '../../support/member/test-group.js';

const PARTITIONS = 2;
const KEYS = 100;
/** Records per partition that are written before and after the consumer was stopped. */
const BEFORE = 300;
const AFTER = 500;
const DELETED = 120;
const RANGE = { from: BEFORE, to: BEFORE + DELETED };

describe('records deleted by Kafka before they were read', () => {
  let group: TestGroup;

  /** Deletes unread records of partition 0, and none of partition 1. */
  beforeEach(async () => {
    group = await TestGroup.on(workerKafka(), 'deleted', { partitions: PARTITIONS });
    await writeAll(group.kafka, group.topic, numberedRecords(PARTITIONS * BEFORE, KEYS, PARTITIONS));
    const reader = group.launch({ inFlight: 50 }, { handlerMs: 5 });
    await group.handles(PARTITIONS * BEFORE);
    await group.commitsAll();
    await reader.stop();
    await writeAll(
      group.kafka,
      group.topic,
      numberedRecords(PARTITIONS * AFTER, KEYS, PARTITIONS, PARTITIONS * BEFORE),
    );
    const partitions = [{ partition: 0, offset: String(RANGE.to) }];
    await group.asAdmin(async (admin) => {
      // kafkajs deletes records only after it has loaded the leaders of the topic.
      await topicOffsets(admin, group.topic);
      await admin.deleteTopicRecords({ topic: group.topic, partitions });
    });
  });

  afterEach(async () => {
    await group.end();
  });

  it('stop their partition, without commits: the range is logged, the member is not ready, other partitions continue', async () => {
    const member = group.launch({ inFlight: 50 }, { handlerMs: 5 });
    await eventually('the deletion is detected', async () => (await deletedOf(member)).length > 0);
    expect(await deletedOf(member)).toEqual([{ partition: 0, ...RANGE }]);
    await group.handles(PARTITIONS * BEFORE + AFTER);
    await eventually('the other partition is committed', async () => {
      return (await group.committed()).get(1) === BEFORE + AFTER;
    });
    expect((await group.committed()).get(0)).toBe(BEFORE);
    expect(loggedRanges(member)).toEqual([{ level: 'error', partition: 0, ...RANGE }]);
    const { ready, notReadyBecause } = await member.status();
    expect(ready).toBe(false);
    expect(notReadyBecause).toMatch(/deleted/);
    expect(group.effects.handled).toBe(PARTITIONS * BEFORE + AFTER);
    expect(await member.stop()).toBe(0);
    expect((await group.committed()).get(0)).toBe(BEFORE);
  });

  it("are skipped with onDeletedRecords: 'skip', and the range is logged", async () => {
    const member = group.launch({ inFlight: 50, onDeletedRecords: 'skip' }, { handlerMs: 5 });
    await group.handles(PARTITIONS * (BEFORE + AFTER) - DELETED);
    await group.commitsAll();
    expect(loggedRanges(member)).toEqual([{ level: 'error', partition: 0, ...RANGE }]);
    expect(await member.status()).toMatchObject({ ready: true, lag: 0 });
    expect(group.effects.repeats()).toEqual([]);
    expect(group.effects.anomalies()).toEqual([]);
    expect(await member.stop()).toBe(0);
  });
});

function loggedRanges(member: MemberProcess): object[] {
  const logged = member.log.filter(({ details }) => details['reason'] === 'deleted-records');
  return logged.map(({ level, details: { partition, from, to } }) => ({ level, partition, from, to }));
}

async function deletedOf(member: MemberProcess): Promise<object[]> {
  return (await member.status()).partitions.flatMap(({ partition, stopped }) =>
    stopped === undefined ? [] : [{ partition, from: stopped.from, to: stopped.to }],
  );
}
