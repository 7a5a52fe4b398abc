import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import kafkajs from 'kafkajs';
import type { Admin, Kafka, KafkaJSProtocolError, Message, Producer, Transaction } from 'kafkajs';
import { eventually } from './eventually.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Returns a Kafka client without log output. @param brokers `host:port`, separated by commas */
export function quietKafka(brokers: string, access: Pick<KafkaOptions, 'ssl' | 'sasl'> = {}): Kafka {
  return connectKafka({ ...access, brokers: brokers.split(','), clientId: 'tests', logger: quiet });
}

/** Returns a producer of transactions, which Kafka ends only after the longest time that it allows: 15 minutes. */
export function transactionalProducer(kafka: Kafka): Producer {
  return kafka.producer({
    transactionalId: crypto.randomUUID(),
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    transactionTimeout: 900_000,
  });
}

/**
 * Begins a transaction of kafkajs. A Kafka that has never had one creates the topic of its transactions first, which takes longer on a busy
 * machine than kafkajs retries.
 */
export async function beginTransaction(producer: Producer): Promise<Transaction> {
  const begun: Transaction[] = [];
  await eventually('the coordinator of transactions answers', async () => {
    try {
      begun.push(await producer.transaction());
      return true;
    } catch (error) {
      if (error instanceof Error && error.cause instanceof kafkajs.KafkaJSProtocolError)
        return { reason: error.cause.message };
      throw error;
    }
  });
  return begun[0] as Transaction;
}

/** Writes raw records to a topic, like a foreign producer. @returns the offset of each */
export async function writeRecords(
  kafka: Kafka,
  topic: string,
  records: readonly (Omit<OutgoingRecord, 'headers'> & Pick<Message, 'headers' | 'timestamp'>)[],
): Promise<number[]> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const offsets: number[] = [];
    for (const record of records) {
      const [written] = await producer.send({ topic, acks: -1, messages: [{ headers: {}, ...record }] });
      offsets.push(Number(written?.baseOffset));
    }
    return offsets;
  } finally {
    await producer.disconnect();
  }
}

/** Works with an admin client, which is disconnected then. */
export async function asAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Deletes the topics that `named` returns, until it returns none. A busy broker needs longer than the 5 s that kafkajs waits. */
export async function deleteTopics(admin: Admin, named: () => Promise<string[]>): Promise<void> {
  await eventually('the topics are deleted', async () => {
    const topics = await named();
    const failed = topics.length > 0 && (await admin.deleteTopics({ topics }).then(() => false, String));
    return (await named()).length === 0 || { topics, failed };
  });
}

/** As `deleteTopics`, for one. */
export async function deleteTopic(admin: Admin, topic: string): Promise<void> {
  await deleteTopics(admin, async () => (await admin.listTopics()).filter((each) => each === topic));
}

type TopicOffsets = Awaited<ReturnType<Admin['fetchTopicOffsets']>>;

/**
 * Returns the first offset and the end of each partition. A broker may not know yet that it leads a new partition, and kafkajs does not ask it
 * again. Afterwards kafkajs knows the leaders of the topic, without which it deletes no records.
 */
export async function topicOffsets(admin: Admin, topic: string): Promise<TopicOffsets> {
  const found: TopicOffsets[] = [];
  await eventually(`each partition of ${topic} is led`, async () =>
    admin.fetchTopicOffsets(topic).then(
      (offsets) => found.push(offsets) > 0,
      (error: KafkaJSProtocolError) => (error.type === 'NOT_LEADER_FOR_PARTITION' ? error : Promise.reject(error)),
    ),
  );
  return found[0] as TopicOffsets;
}

/** Returns the number of records written to a topic. */
export async function recordsOn(kafka: Kafka, topic: string): Promise<number> {
  const offsets = await asAdmin(kafka, (admin) => topicOffsets(admin, topic));
  return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
}

/** Returns the number of records of a topic that Kafka still has. */
export async function recordsKept(kafka: Kafka, topic: string): Promise<number> {
  const offsets = await asAdmin(kafka, (admin) => topicOffsets(admin, topic));
  return offsets.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  /** In ms since the epoch. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads a topic from its beginning until `count` records were read. */
export async function readRecords(kafka: Kafka, topic: string, count: number): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  await readUntil(kafka, topic, (record) => records.push(record) >= count);
  return records;
}

/** Reads a topic from its beginning until `count` records match. @returns these */
export async function findRecords(
  kafka: Kafka,
  topic: string,
  count: number,
  matches: (record: ReadRecord) => boolean,
): Promise<ReadRecord[]> {
  const found: ReadRecord[] = [];
  await readUntil(kafka, topic, (record) => matches(record) && found.push(record) >= count);
  return found;
}

/**
 * Reads a topic from its beginning to its end. The last offset must be a record, not a transaction marker.
 * @param ends one past the last offset of each partition
 */
export async function readToEnd(kafka: Kafka, topic: string, ends: ReadonlyMap<number, number>): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  await forEachRecord(kafka, topic, ends, (record) => void records.push(record));
  return records;
}

/** As `readToEnd`, and keeps none of them. */
export async function forEachRecord(
  kafka: Kafka,
  topic: string,
  ends: ReadonlyMap<number, number>,
  take: (record: ReadRecord) => void,
): Promise<void> {
  const open = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition));
  if (open.size === 0) return;
  await readUntil(kafka, topic, (record) => {
    take(record);
    if (record.offset + 1 >= (ends.get(record.partition) ?? 0)) open.delete(record.partition);
    return open.size === 0;
  });
}

/** @param isLast is called once with each record, although a reader that its group expels on a busy machine begins again */
async function readUntil(kafka: Kafka, topic: string, isLast: (record: ReadRecord) => boolean): Promise<void> {
  const next = new Map<number, number>();
  const consumer = kafka.consumer({ groupId: `tests-${crypto.randomUUID()}`, maxWaitTimeInMs: 250 });
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
      const { key, value } = message;
      const [offset, timestamp] = [Number(message.offset), Number(message.timestamp)];
      if (offset < (next.get(partition) ?? 0)) return;
      next.set(partition, offset + 1);
      if (isLast({ partition, offset, timestamp, key, value, headers: Object.fromEntries(headers) })) resolve();
    },
  });
  await enough;
  await consumer.disconnect();
}

const { ConfigResourceTypes } = kafkajs;

/** Gives a topic these settings, removes all others of its own, and waits until the broker shows them: it learns of a change later. */
export async function changeTopicSettings(
  admin: Admin,
  topic: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
  await admin.alterConfigs({ validateOnly: false, resources });
  await eventually(`${topic} has ${JSON.stringify(settings)}`, async () => {
    const found = await topicSettingsOf(admin, topic);
    return Object.entries(settings).every(([name, value]) => found[name] === value);
  });
}

/** Returns the settings of a topic, its own and defaults. */
export async function topicSettingsOf(admin: Admin, topic: string): Promise<Record<string, string>> {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
  const { resources: found } = await admin.describeConfigs({ includeSynonyms: false, resources });
  return Object.fromEntries(
    found.flatMap(({ configEntries }) => configEntries.map(({ configName, configValue }) => [configName, configValue])),
  );
}
