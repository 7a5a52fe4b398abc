import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { truncateLog, JavaClient } from '../support/foreign-clients/kafka-tools.js';
import {
  loggedError,
  untilStopped,
  TestGroup,
  behaving,
  numberedRecord,
  numberedRecords,
  writeAll,
} from '../support/member/test-group.js';
import { eventually } from '../support/eventually.js';
import type { MemberProcess } from '../support/member/member-process.js';
import { sharedKafka } from '../support/shared-pipeline.js';
import { deleteTopic, topicOffsets } from '../support/topic-writer.js';

const PARTITIONS = 2;
const KEYS = 20;
/** Records per partition and batch; each write makes one batch per partition. */
const PER_BATCH = 50;
/** Records per partition that the consumer has read and committed before the log is replaced. */
const READ = 2 * PER_BATCH;
const ENGINE = { inFlight: 50 };
const BEHAVIOUR = { handlerMs: 2 };

/** A group and its first member. */
interface Reader {
  readonly group: TestGroup;
  readonly member: MemberProcess;
}

describe('a log that no longer contains the records that the consumer read', () => {
  const server = sharedKafka();
  let java: JavaClient;
  let group: TestGroup;

  beforeAll(async () => {
    java = await JavaClient.on(server().brokers);
  });

  // Its offsets have other records later on, which a history of attempts would take for the same.
  afterEach(async () => {
    await group.killMembers();
  });

  /** Writes a batch to each partition. @returns the values */
  async function write(batch: number): Promise<string[]> {
    const count = PARTITIONS * PER_BATCH;
    const records = numberedRecords(count, KEYS, PARTITIONS, batch * count);
    await writeAll(group.kafka, group.topic, records);
    return records.map(({ value }) => String(value));
  }

  /** Starts a member and lets it read two batches of each partition. @returns the member, which still runs */
  async function readTwoBatches(policy: 'stop' | 'reset'): Promise<MemberProcess> {
    await write(0);
    await write(1);
    const member = group.launch({ ...ENGINE, onTruncatedLog: policy }, BEHAVIOUR);
    await group.handles(PARTITIONS * READ);
    await group.commitsAll();
    return member;
  }

  /** Starts a member on a topic of its own, and lets it read two batches of each partition. */
  async function reader(policy: 'stop' | 'reset'): Promise<Reader> {
    group = await TestGroup.on(server(), 'truncated', { partitions: PARTITIONS });
    return { group, member: await readTwoBatches(policy) };
  }

  function missing(member: MemberProcess, values: readonly string[]): string[] {
    const handled = new Set(group.effects.by(member.name).map(({ value }) => value));
    return values.filter((value) => !handled.has(value));
  }

  async function handlesValues(member: MemberProcess, values: readonly string[]): Promise<void> {
    await eventually(`${member.name} handles ${values.length} records`, () => {
      return missing(member, values).length === 0;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${missing(member, values).length} are missing`, { cause: error });
    });
  }

  async function expectNotReady(member: MemberProcess, offset: number): Promise<void> {
    // The broker has just started again: until the coordinator responds, that is the reason.
    await eventually('readiness names the stopped partition', async () => {
      const { ready, notReadyBecause } = await member.status();
      return !ready && /partition 0 is stopped/.test(notReadyBecause ?? '');
    });
    expect(loggedError(member, group.topic, 0, offset)).toBe(true);
  }

  /** Ends a member that has read all records of its topic, once it is ready: the new topic may change the assignment once more. @returns its exit code */
  async function ends(member: MemberProcess): Promise<number | null> {
    await group.commitsAll();
    await eventually('the member is ready, without lag', async () => {
      const { ready, lag, notReadyBecause } = await member.status();
      return (ready && lag === 0) || { ready, lag, notReadyBecause };
    });
    return member.stop();
  }

  /** Replaces the topic by one of the same name with more records. @returns its values */
  async function recreate(when: 'at once' | 'a while later'): Promise<string[]> {
    if (when === 'at once') {
      await group.asAdmin((admin) => deleteTopic(admin, group.topic));
      await group.createTopic(group.topic, { partitions: PARTITIONS });
    } else {
      // Each tool takes more than a second to start, so that the consumer finds that the topic does not exist.
      await java.deleteTopic(group.topic);
      await java.createTopic(group.topic, PARTITIONS);
    }
    return [...(await write(2)), ...(await write(3)), ...(await write(4))];
  }

  async function expectOnlyOtherPartitionContinues(member: MemberProcess): Promise<void> {
    const values = await write(2);
    const ofOther = values.filter((value) => Number(value) % PARTITIONS === 1);
    await handlesValues(member, ofOther);
    expect(missing(member, values)).toEqual(values.filter((value) => !ofOther.includes(value)));
    expect(await member.stop()).toBe(0);
    expect((await group.committed()).get(0)).toBe(READ);
  }

  describe('because the topic was deleted, recreated and filled past the position while the consumer ran', () => {
    // Only at once: a consumer that has left the group meanwhile starts again at the beginning, and misses nothing.
    it('at once: stops the partitions with an error, and the member is not ready', async () => {
      group = await TestGroup.on(server(), 'recreated', { partitions: PARTITIONS });
      const member = await readTwoBatches('stop');
      const written = await recreate('at once');
      expect(await untilStopped(member, 0)).toMatchObject({ reason: 'recreated-topic' });
      expect(await untilStopped(member, 1)).toMatchObject({ reason: 'recreated-topic' });
      await expectNotReady(member, READ);
      expect(missing(member, written)).toEqual(written);
      expect(await member.stop()).toBe(0);
    });

    it.each(['at once', 'a while later'] as const)(
      "%s: is read completely with onTruncatedLog: 'reset'",
      async (when) => {
        group = await TestGroup.on(server(), 'recreated', { partitions: PARTITIONS });
        const member = await readTwoBatches('reset');
        await handlesValues(member, await recreate(when));
        expect(await ends(member)).toBe(0);
      },
    );
  });

  describe('because it was truncated, as after an unclean leader election', () => {
    /** Each with a topic of its own. */
    const readers: { running?: Reader; stopped?: Reader; resetting?: Reader; unfinished?: Reader } = {};

    /** Starts a member whose first record never ends, lets it read two batches of each partition behind it, and kills it. */
    async function killedReader(): Promise<Reader> {
      group = await TestGroup.on(server(), 'unfinished', { partitions: PARTITIONS });
      const stalled = { ...behaving(numberedRecord(0, KEYS, PARTITIONS), 'stall'), key: 'stalled' };
      await writeAll(group.kafka, group.topic, [stalled]);
      await write(0);
      await write(1);
      const member = group.launch(ENGINE, BEHAVIOUR);
      await group.handles(PARTITIONS * READ);
      await eventually('the metadata lists them as completed', async () => {
        const committed = await group.committedRecords();
        return committed.has({ partition: 0, offset: READ }) && committed.has({ partition: 1, offset: READ - 1 });
      });
      await member.kill();
      return { group, member };
    }

    /** Restarts the broker with truncated logs: each partition 0 loses the second batch, which the consumer has read. */
    beforeAll(async () => {
      readers.running = await reader('stop');
      readers.stopped = await reader('stop');
      await readers.stopped.member.stop();
      readers.resetting = await reader('reset');
      readers.unfinished = await killedReader();
      await server().node(1).kill();
      for (const [name, { group: each }] of Object.entries(readers)) {
        const directory = server().partitionDirectory(each.topic, 0);
        await truncateLog(directory, name === 'unfinished' ? PER_BATCH + 1 : PER_BATCH);
      }
      await server().node(1).start();
    });

    /** Makes a reader's group the current one. @returns its member, and the end of the truncated log */
    async function select(chosen: Reader | undefined): Promise<{ member: MemberProcess; end: number | undefined }> {
      if (chosen === undefined) throw new Error('the logs were not truncated');
      ({ group } = chosen);
      return { member: chosen.member, end: (await group.ends()).get(0) };
    }

    const truncated = { reason: 'truncated-log', from: PER_BATCH, to: READ };

    it('stops the partition of a running consumer with an error, and the other partition continues', async () => {
      const { member, end } = await select(readers.running);
      expect(end).toBe(PER_BATCH);
      expect(await untilStopped(member, 0)).toMatchObject(truncated);
      await expectNotReady(member, PER_BATCH);
      await expectOnlyOtherPartitionContinues(member);
    });

    it('stops the partition of a consumer that starts later with an error, and the other partition continues', async () => {
      expect((await select(readers.stopped)).end).toBe(PER_BATCH);
      const member = group.launch(ENGINE, BEHAVIOUR);
      expect(await untilStopped(member, 0)).toMatchObject(truncated);
      await expectNotReady(member, PER_BATCH);
      await expectOnlyOtherPartitionContinues(member);
    });

    it("is read from its new end with onTruncatedLog: 'reset'", async () => {
      const { member, end } = await select(readers.resetting);
      expect(end).toBe(PER_BATCH);
      await handlesValues(member, await write(2));
      expect(await ends(member)).toBe(0);
    });

    it('has new records at offsets that were completed behind an unfinished one: they are handled, and no others again', async () => {
      expect((await select(readers.unfinished)).end).toBe(PER_BATCH + 1);
      const values = await write(2);
      const member = group.launch(ENGINE, BEHAVIOUR);
      await handlesValues(member, values);
      expect(group.effects.by(member.name)).toHaveLength(values.length);
    });
  });

  describe("because records were deleted beyond the consumer's position", () => {
    it.each([
      ['some of the records', READ + 10, READ + 10],
      ['all records', -1, READ + PER_BATCH],
    ])('%s: stops the partition with an error, and the other partition continues', async (_, offset, to) => {
      group = await TestGroup.on(server(), 'deleted', { partitions: PARTITIONS });
      await (await readTwoBatches('stop')).stop();
      const values = await write(2);
      const partitions = [{ partition: 0, offset: String(offset) }];
      await group.asAdmin(async (admin) => {
        // kafkajs deletes records only after it has loaded the leaders of the topic.
        await topicOffsets(admin, group.topic);
        await admin.deleteTopicRecords({ topic: group.topic, partitions });
      });
      const member = group.launch(ENGINE, BEHAVIOUR);
      expect(await untilStopped(member, 0)).toMatchObject({ reason: 'deleted-records', from: READ, to });
      await expectNotReady(member, READ);
      await handlesValues(
        member,
        values.filter((value) => Number(value) % PARTITIONS === 1),
      );
      expect(await member.stop()).toBe(0);
      expect((await group.committed()).get(0)).toBe(READ);
    });
  });
});
