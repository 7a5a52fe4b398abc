import { setTimeout as delay } from 'node:timers/promises';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { Cluster } from '../cluster/cluster.js';
import type { History } from '../history/history.js';
import { judgeAttempts, type JudgedAttempts } from './attempt-judge.js';
import { readTrace } from './attempt-trace.js';
import { readKeys } from './topic-keys.js';
import { monotonicMs } from './trace-writer.js';

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
