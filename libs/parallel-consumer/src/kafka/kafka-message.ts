import type { ConsumedRecord } from '../record.js';
import type { KafkaMessage } from './kafkajs.js';

/** The engine's record of a kafkajs message, with bytes of its own. */
export function toRecord(topic: string, partition: number, message: KafkaMessage): ConsumedRecord {
  const headers: Record<string, Buffer | undefined> = {};
  for (const name in message.headers) {
    const value = message.headers[name];
    headers[name] = copyOf(Array.isArray(value) ? value.at(-1) : value);
  }
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key && Buffer.from(message.key),
    value: message.value && Buffer.from(message.value),
    headers,
    timestamp: Number(message.timestamp),
  };
}

/** kafkajs hands out slices: one record that waits would hold its whole fetch of megabytes in memory. */
function copyOf(bytes: Buffer | string | undefined): Buffer | undefined {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes && Buffer.from(bytes);
}
