import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import { BEHAVIOUR_HEADER, type Behaviour } from './member/member-messages.js';

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
