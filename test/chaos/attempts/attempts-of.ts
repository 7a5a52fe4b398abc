import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import type { Cluster } from '../cluster/cluster.js';
import type { History } from '../history.js';
import { judgeAttempts, type JudgedAttempts, type TopicKeys } from './attempt-judge.js';
import { monotonicMs, readTrace } from './attempt-trace.js';

/** Until then a consumer has written its events, unless it hangs. */
const WRITTEN_WITHIN_MS = 1_000;

/** Judges what all consumers of the running product have attempted until now. The history gets the first anomalies with their events. */
export async function attemptsOf(
  { attemptsDirectory, kafka, mongo }: Cluster,
  history: History,
): Promise<JudgedAttempts> {
  const until = monotonicMs();
  await delay(WRITTEN_WITHIN_MS);
  const letters = await deadLettersCollection(mongo.db).distinct('_id');
  const dead = new Set(letters);
  const judged = judgeAttempts(await readTrace(attemptsDirectory, until), {
    topic: ORDERS_TOPIC,
    keys: await readKeys(kafka, ORDERS_TOPIC),
    isLetter: (partition, offset) => dead.has(`${ORDERS_TOPIC}/${partition}/${offset}`),
  });
  for (const { text, events } of judged.first) history.add({ type: 'anomaly', text, events });
  return judged;
}

const READ_WITHIN_MS = 120_000;

/** Reads the keys of all records that a topic has now. @throws Error after two minutes */
async function readKeys(kafka: Kafka, topic: string): Promise<TopicKeys> {
  const keys = new Map<number, Map<number, string | null>>();
  const positions = new KafkaPositions(kafka);
  const ends = await positions.ends(topic);
  await positions.close();
  const open = new Map([...ends].filter(([, end]) => end > 0));
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
