import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';

/** By partition and offset: the record's key. Offsets without a record are absent. */
export type TopicKeys = ReadonlyMap<number, ReadonlyMap<number, string | null>>;

const READ_WITHIN_MS = 120_000;

/** Reads the keys of all records that a topic has now. @throws Error after two minutes */
export async function readKeys(kafka: Kafka, topic: string): Promise<TopicKeys> {
  const keys = new Map<number, Map<number, string | null>>();
  const open = await endsOf(kafka, topic);
  const consumer = kafka.consumer({ groupId: `chaos-${randomUUID()}`, maxWaitTimeInMs: 250 });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`${topic} could not be read in time`)), READ_WITHIN_MS);
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        const read = keys.get(partition) ?? new Map<number, string | null>();
        keys.set(partition, read);
        for (const { offset, key } of messages) read.set(Number(offset), key?.toString() ?? null);
        if (Number(messages.at(-1)?.offset) + 1 >= (open.get(partition) ?? 0)) open.delete(partition);
        if (open.size === 0) resolve();
        return Promise.resolve();
      },
    });
    if (open.size === 0) resolve();
    await promise;
    return keys;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
}

/** The end offset of each partition that has records. */
async function endsOf(kafka: Kafka, topic: string): Promise<Map<number, number>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return new Map(offsets.filter(({ high, low }) => high !== low).map((each) => [each.partition, Number(each.high)]));
  } finally {
    await admin.disconnect();
  }
}
