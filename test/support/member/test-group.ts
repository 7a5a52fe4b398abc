import type { OutgoingRecord, PartitionStatus } from '@orders-pipeline/parallel-consumer';
import { reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka, Admin } from 'kafkajs';
import {
  BEHAVIOUR_HEADER,
  type Behaviour,
  CommittedRecords,
  type Commit,
  Effects,
  type EngineSettings,
  type MemberSettings,
} from './effects.js';
import { createTopics } from '#service/kafka/prepare-topics.js';
import { eventually } from '../eventually.js';
import { asAdmin, topicOffsets } from '../topic-writer.js';
import { MemberProcess } from './member-process.js';

const BATCH = 1_000;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A record without headers, which kafkajs can send too. */
interface NumberedRecord extends OutgoingRecord {
  readonly headers: Record<string, string>;
}

/** Returns record number n: its value is n, n determines its key and partition, and records of one key ascend. */
export function numberedRecord(n: number, keys: number, partitions: number): NumberedRecord {
  const key = n % keys;
  return { partition: key % partitions, key: `key-${key}`, value: Buffer.from(String(n)), headers: {} };
}

/** Returns `count` records numbered from `from`. `keys` should be a multiple of `partitions` for an even distribution. */
export function numberedRecords(count: number, keys: number, partitions: number, from = 0): NumberedRecord[] {
  return Array.from({ length: count }, (_, index) => numberedRecord(from + index, keys, partitions));
}

/** Returns the record with a header that makes the handler misbehave. */
export function behaving(record: OutgoingRecord, behaviour: Behaviour): OutgoingRecord {
  return { ...record, headers: { ...record.headers, [BEHAVIOUR_HEADER]: behaviour } };
}

/** Writes records in their order, in batches of 1,000. Resolves when all in-sync replicas have them. */
export async function writeAll(kafka: Kafka, topic: string, records: readonly OutgoingRecord[]): Promise<void> {
  const producer = reliableProducer(kafka, quiet);
  try {
    for (let at = 0; at < records.length; at += BATCH) await producer.send(topic, records.slice(at, at + BATCH));
  } finally {
    await producer.close();
  }
}

/** The time after which the group drops a killed member: Kafka's minimum (`group.min.session.timeout.ms`). */
const SESSION_TIMEOUT_MS = 6_000;

interface TopicSettings {
  readonly partitions: number;
  /** Topic configuration, by Kafka's names. */
  readonly config?: Readonly<Record<string, string>>;
  readonly replicationFactor?: number;
}

/** The Kafka of a group: a `StandaloneKafka`, or that of the Jest worker. */
export interface KafkaOfGroup {
  readonly brokers: string;
  readonly kafka: Kafka;
  readonly nodes: { readonly length: number };
}

/** A topic and its dead-letter topic with unique names, a consumer group on it, and its members as processes. */
export class TestGroup {
  readonly effects = new Effects();
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly groupId: string;
  private readonly members: MemberProcess[] = [];

  private constructor(
    private readonly server: KafkaOfGroup,
    name: string,
  ) {
    const unique = `${name}-${crypto.randomUUID().slice(0, 8)}`;
    this.topic = unique;
    this.deadLetterTopic = `${unique}.dead-letter`;
    this.groupId = `${unique}-group`;
  }

  /** Creates the topic and, by default, its dead-letter topic. */
  static async on(
    server: KafkaOfGroup,
    name: string,
    topic: TopicSettings,
    deadLetters: 'with dead letters' | 'without dead letters' = 'with dead letters',
  ): Promise<TestGroup> {
    const group = new TestGroup(server, name);
    await group.createTopic(group.topic, topic);
    if (deadLetters === 'with dead letters') await group.createTopic(group.deadLetterTopic, { ...topic, config: {} });
    return group;
  }

  get kafka(): Kafka {
    return this.server.kafka;
  }

  async createTopic(
    topic: string,
    { partitions, config = {}, replicationFactor = this.server.nodes.length }: TopicSettings,
  ): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const settings = { topic, numPartitions: partitions, replicationFactor, configEntries };
    await this.asAdmin((admin) => createTopics(admin, [settings]));
  }

  /** Starts a member without waiting for it. */
  launch(engine: EngineSettings = {}, behaviour: Partial<MemberSettings> = {}): MemberProcess {
    const number = this.members.length + 1;
    const { topic, deadLetterTopic, groupId } = this;
    const settings: MemberSettings = {
      brokers: this.server.brokers,
      topic,
      deadLetterTopic,
      groupId,
      handlerMs: 100,
      seed: number,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      engine,
      ...behaviour,
    };
    const member = new MemberProcess(`member-${number}`, settings, this.effects);
    this.members.push(member);
    return member;
  }

  /** Waits until `records` different records were handled. */
  async handles(records: number): Promise<void> {
    await eventually(`${records} records are handled`, () => this.effects.handled >= records).catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}: ${this.effects.handled} are\n${await this.describe()}`, { cause: error });
      },
    );
  }

  /** Returns the group's committed offset per partition; undefined where none is committed. */
  async committed(): Promise<Map<number, number | undefined>> {
    const commits = await this.commits();
    return new Map([...commits].map(([partition, { offset }]) => [partition, offset < 0 ? undefined : offset]));
  }

  /** Returns the records that are committed now. */
  async committedRecords(): Promise<CommittedRecords> {
    return new CommittedRecords(await this.commits());
  }

  private async commits(): Promise<Map<number, Commit>> {
    const { groupId, topic } = this;
    const [committed] = await this.asAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
    const offsets = committed?.partitions ?? [];
    return new Map(
      offsets.map(({ partition, offset, metadata }) => [
        partition,
        { offset: Number(offset), metadata: metadata ?? '' },
      ]),
    );
  }

  /** Returns one past the last offset of each partition, transaction markers included. @param topic default: the one that is read */
  async ends(topic = this.topic): Promise<Map<number, number>> {
    const offsets = await this.asAdmin((admin) => topicOffsets(admin, topic));
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  /** Returns the number of offsets between the committed offset and the end, over all partitions. */
  async uncommitted(): Promise<number> {
    const committed = await this.committed();
    let sum = 0;
    for (const [partition, end] of await this.ends()) sum += end - (committed.get(partition) ?? 0);
    return sum;
  }

  /** Waits until the group has committed the end of every partition. */
  async commitsAll(): Promise<void> {
    let left = -1;
    const nothingLeft = async (): Promise<boolean> => {
      left = await this.uncommitted();
      return left === 0;
    };
    await eventually('everything is committed', nothingLeft).catch(async (error: unknown) => {
      throw new Error(`${String(error)}: ${left} offsets are left\n${await this.describe()}`, { cause: error });
    });
  }

  async asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    return asAdmin(this.kafka, work);
  }

  /**
   * Kills all members that still run. The topics stay: their names are unique.
   * @throws Error if an attempt of any member broke the order of its key or the ownership of its partition
   */
  async end(): Promise<void> {
    await this.killMembers();
    const anomalies = this.effects.anomalies();
    if (anomalies.length > 0) throw new Error(`${anomalies.length} anomalies:\n${anomalies.slice(0, 20).join('\n')}`);
  }

  async killMembers(): Promise<void> {
    await Promise.all(this.members.filter(({ running }) => running).map((member) => member.kill()));
  }

  /** Describes each running member's status and the end of its log, for the error of a failed wait. */
  private async describe(): Promise<string> {
    const lines = this.members.map(async (member) => {
      const status = member.running ? JSON.stringify(await member.status()) : 'ended';
      const log = member.log.slice(-8).map(({ level, message, details }) => {
        return `    ${level} ${message} ${JSON.stringify(details).slice(0, 200)}`;
      });
      return [`  ${member.name}: ${status}`, ...log].join('\n');
    });
    return (await Promise.all(lines)).join('\n');
  }
}

export type Stopped = NonNullable<PartitionStatus['stopped']>;

/** Waits until the member's status shows the partition as stopped. The error of a wait that hangs has the whole status. */
export async function untilStopped(member: MemberProcess, partition: number): Promise<Stopped> {
  let stopped: PartitionStatus['stopped'];
  const isStopped = async (): Promise<boolean> => {
    stopped = await stoppedPartition(member, partition);
    return stopped !== undefined;
  };
  await eventually(`partition ${partition} is stopped`, isStopped).catch(async (error: unknown) => {
    const log = member.log.slice(-4).map(({ level, message }) => `${level} ${message}`);
    const status = JSON.stringify(await member.status());
    throw new Error([String(error), status, ...log].join('\n  '), { cause: error });
  });
  if (stopped === undefined) throw new Error(`partition ${partition} is no longer stopped`);
  return stopped;
}

async function stoppedPartition(member: MemberProcess, partition: number): Promise<PartitionStatus['stopped']> {
  const { partitions } = await member.status();
  return partitions.find((each) => each.partition === partition)?.stopped;
}

/** Returns whether the member logged an error with this topic, partition and offset among its fields. */
export function loggedError(member: MemberProcess, topic: string, partition: number, offset: number): boolean {
  return member.log.some(({ level, details }) => {
    const names = details['topic'] === topic && details['partition'] === partition;
    return level === 'error' && names && Object.values(details).includes(offset);
  });
}
