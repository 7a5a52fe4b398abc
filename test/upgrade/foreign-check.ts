import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MongoClient, type Binary, type Long } from 'mongodb';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { CONFLUENT_KAFKA, providePythonPackages } from '../support/foreign-clients/python-packages.js';

const SCRIPT = join(PROJECT_DIRECTORY, 'test/upgrade/read_orders.py');

interface TopicRecord {
  readonly id: string | null;
  readonly number: number | null;
  readonly fault: string | null;
}

export interface ForeignReport {
  /** Orders on the topic that are not faulty on purpose. */
  readonly sent: number;
  readonly stored: number;
  /** Sent and not stored, but among the dead letters. */
  readonly deadLettered: number;
  /** Sent, neither stored nor dead-lettered. */
  readonly lost: readonly string[];
  /** Stored, and not on the topic. */
  readonly invented: readonly string[];
  /** Stored under a number that another stored order has, or that no record of it has. */
  readonly misnumbered: readonly string[];
}

/** Compares the topic with the stored orders, with librdkafka and MongoDB's driver, and no code of the pipeline. */
export async function compareAsForeigner(brokers: string, mongodbUri: string): Promise<ForeignReport> {
  const numbers = new Map<string, Set<number>>();
  const sent = new Set<string>();
  for (const { id, number, fault } of await readTopic(brokers, 'orders.v1')) {
    if (id === null || number === null) continue;
    numbers.set(id, (numbers.get(id) ?? new Set()).add(number));
    if (fault === null || fault === 'duplicate') sent.add(id);
  }
  const letters = new Set((await readTopic(brokers, 'orders.v1.dead-letter')).map(({ id }) => id));
  const stored = await readStored(mongodbUri);
  const counts = new Map<number, number>();
  for (const number of stored.values()) counts.set(number, (counts.get(number) ?? 0) + 1);
  const ids = [...stored.keys()];
  const missing = [...sent].filter((id) => !stored.has(id));
  return {
    sent: sent.size,
    stored: stored.size,
    deadLettered: missing.filter((id) => letters.has(id)).length,
    lost: missing.filter((id) => !letters.has(id)),
    invented: ids.filter((id) => !numbers.has(id)),
    misnumbered: ids.filter((id) => {
      const number = stored.get(id) ?? 0;
      return counts.get(number) !== 1 || !numbers.get(id)?.has(number);
    }),
  };
}

async function readTopic(brokers: string, topic: string): Promise<TopicRecord[]> {
  const env = { ...process.env, PYTHONPATH: await providePythonPackages(CONFLUENT_KAFKA) };
  const { stdout } = await promisify(execFile)('python3', [SCRIPT, brokers, topic], { env, maxBuffer: 2 ** 28 });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as TopicRecord);
}

/** Returns the number of each stored order, by its id. */
async function readStored(uri: string): Promise<Map<string, number>> {
  const client = await MongoClient.connect(uri);
  try {
    const orders = client.db().collection<{ _id: Binary; number: Long | number }>('orders');
    const found = await orders.find({}, { projection: { number: 1 }, readConcern: { level: 'majority' } }).toArray();
    return new Map(found.map(({ _id, number }) => [_id.toUUID().toHexString(), Number(number)]));
  } finally {
    await client.close();
  }
}
