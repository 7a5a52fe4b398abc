import type { EngineLogger } from '@orders-pipeline/parallel-consumer';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Admin, Kafka } from 'kafkajs';

/** Not printed: with invalid records, one line per record would hide all others. */
const DEAD_LETTERED = 'record dead-lettered';

function print(details: object, message: string): void {
  if (message !== DEAD_LETTERED) process.stderr.write(`    ${message} ${JSON.stringify(details)}\n`);
}

/** Prints only warnings and errors, which may distort a figure. */
export const logger: EngineLogger = { info: () => undefined, warn: print, error: print };

/** The default number of partitions of `orders.v1`. */
export const PARTITIONS = 12;
/** Receives invalid records only. The engine requires that it exists. */
export const DEAD_LETTERS = 'bench.dead-letters';

export function kafkaAt(brokers: string): Kafka {
  return connectKafka({ brokers: brokers.split(','), clientId: 'bench', logger });
}

/** Gives work an admin client. */
export async function asAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaAt(brokers).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Counts the records of a topic by its partition offsets. */
export async function recordsOn(brokers: string, topic: string): Promise<number> {
  const partitions = await asAdmin(brokers, async (admin) => admin.fetchTopicOffsets(topic));
  return partitions.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}

/** Maximum size of one fetch of kafkajs, in bytes. */
export interface FetchSize {
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
}

const MIB = 1024 * 1024;

/** The engine's default. */
export const SMALL_FETCH: FetchSize = { maxBytes: 2 * MIB, maxBytesPerPartition: 256 * 1024 };

/** Returns 8 MiB in total, shared evenly by the partitions: otherwise the broker fills the fetch from the first ones. */
export function largeFetch(partitions: number): FetchSize {
  return { maxBytes: 8 * MIB, maxBytesPerPartition: Math.ceil((8 * MIB) / partitions) };
}
