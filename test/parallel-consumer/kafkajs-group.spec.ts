import { afterEach, describe, expect, it } from '@jest/globals';
import { ParallelConsumer, type ConsumedRecord } from '@orders-pipeline/parallel-consumer';
import { KafkajsBroker, type KafkaBrokerOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import { connectPlatformatic, PlatformaticBroker } from '@orders-pipeline/parallel-consumer/platformatic';
import { workerKafka } from '../support/own-servers.js';
import { eventually } from '../support/eventually.js';
import { TestGroup, numberedRecords, writeAll } from '../support/member/test-group.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const PARTITIONS = 4;
const KEYS = 20;
const RECORDS = 200;
/** Kafka's shortest session; it is not waited for. */
const SESSION_MS = 6_000;

/** A member of either kind, with the numbers of the records that it has handled. */
interface Member {
  readonly handled: Set<number>;
  /** Does nothing the second time. */
  stop(): Promise<void>;
}

describe.each(['kafkajs', 'platformatic'] as const)('a group of kafkajs consumers and engines over %s', (client) => {
  let group: TestGroup;
  const members: Member[] = [];
  let written = 0;

  afterEach(async () => {
    for (const member of members.splice(0)) await member.stop();
    await group.end();
    written = 0;
  });

  function brokerOf(options: KafkaBrokerOptions): KafkajsBroker | PlatformaticBroker {
    const { kafka, brokers } = workerKafka();
    if (client === 'kafkajs') return new KafkajsBroker({ ...options, kafka });
    const platformatic = connectPlatformatic({ brokers: brokers.split(','), clientId: 'tests' });
    return new PlatformaticBroker({ ...options, client: platformatic });
  }

  async function startKafkajs(): Promise<Member> {
    const handled = new Set<number>();
    const options = { groupId: group.groupId, sessionTimeout: SESSION_MS, heartbeatInterval: 300 };
    const consumer = group.kafka.consumer(options);
    await consumer.connect();
    await consumer.subscribe({ topics: [group.topic], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message: { value } }) => void handled.add(Number(value)) });
    return keep({ handled, stop: async () => consumer.disconnect() });
  }

  async function startEngine(): Promise<Member> {
    const handled = new Set<number>();
    const handler = async ({ value }: ConsumedRecord): Promise<void> => void handled.add(Number(value));
    const { topic, groupId } = group;
    const broker = brokerOf({ topic, groupId, logger: quiet, sessionTimeoutMs: SESSION_MS });
    const consumer = new ParallelConsumer({ handler, onDeadLetter: 'stop', logger: quiet }, broker);
    await consumer.start();
    return keep({ handled, stop: async () => void (await consumer.stop()) });
  }

  function keep(member: Member): Member {
    members.push(member);
    return member;
  }

  /** Writes records until each of these members has handled some of them. */
  async function shareAmong(...all: readonly Member[]): Promise<void> {
    const before = new Map(all.map((member) => [member, member.handled.size]));
    await eventually('each member handles records', async () => {
      await writeAll(group.kafka, group.topic, numberedRecords(RECORDS, KEYS, PARTITIONS, written));
      written += RECORDS;
      return all.every((member) => member.handled.size > (before.get(member) ?? 0));
    });
  }

  it.each([
    ['kafkajs consumers are replaced by engines', startKafkajs, startEngine],
    ['engines are replaced by kafkajs consumers', startEngine, startKafkajs],
  ])('%s, member by member: all share the partitions, and no record is lost', async (_, startOld, startNew) => {
    group = await TestGroup.on(workerKafka(), 'mixed', { partitions: PARTITIONS }, 'without dead letters');
    const olds = [await startOld(), await startOld()] as const;
    await shareAmong(...olds);
    const first = await startNew();
    await shareAmong(...olds, first);
    await olds[0].stop();
    const second = await startNew();
    await shareAmong(olds[1], first, second);
    await olds[1].stop();
    await shareAmong(first, second);
    await group.commitsAll();
    const handled = new Set<number>();
    for (const member of members) for (const number of member.handled) handled.add(number);
    expect(handled.size).toBe(written);
  });
});
