import { display } from '../checks/value-checks.js';
import { HEADER_BYTES } from '../records/batch-layout.js';
import { mostBytes } from '../records/encode-batch.js';
import type { OutgoingRecord } from '../records/record.js';

/** Kafka's default for the largest batch is 1,048,588 bytes (`max.message.bytes`). */
const MAX_BATCH_BYTES = 1_048_576;
/** A slow network sends it well within the 10 s after which a client library gives up a request. Kafka takes 100 MiB (`socket.request.max.bytes`). */
const MAX_REQUEST_BYTES = 4 * 1_048_576;

/** @throws TypeError for a record that can't be sent, RangeError for a partition that can't exist: a retry would not help */
export function requireSendable(records: readonly OutgoingRecord[]): void {
  for (const [index, { partition, key, value, headers }] of records.entries()) {
    if (!Number.isSafeInteger(partition) || partition < 0)
      throw new RangeError(`record ${index}: partition must be an integer of at least 0, got ${display(partition)}`);
    if (!isBytesOrNull(value)) throw wrong(index, 'value must be a Buffer or null', value);
    if (!isBytesOrNull(key) && typeof key !== 'string')
      throw wrong(index, 'key must be a Buffer, a string or null', key);
    if (typeof headers !== 'object' || headers === null) throw wrong(index, 'headers must be an object', headers);
    for (const name of Object.keys(headers))
      if (!isHeader(headers[name]))
        throw wrong(index, `header ${name} must be a Buffer, a string, null or a list of these`, headers[name]);
  }
}

/**
 * Splits records, in their order, so that the batch of each partition has at most 1 MiB, with keys, headers and framing, and all batches
 * together have at most 4 MiB. A larger record is alone in its batch.
 */
export function splitByBytes(records: readonly OutgoingRecord[]): OutgoingRecord[][] {
  const parts: OutgoingRecord[][] = [];
  const batches = new Map<number, number>();
  let request = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const bytes = mostBytes(record);
    const batch = batches.get(record.partition) ?? HEADER_BYTES;
    if (request + bytes > MAX_REQUEST_BYTES || batch + bytes > MAX_BATCH_BYTES) {
      parts.push([]);
      batches.clear();
      request = 0;
    }
    parts.at(-1)?.push(record);
    batches.set(record.partition, (batches.get(record.partition) ?? HEADER_BYTES) + bytes);
    request += bytes;
  }
  return parts;
}

function isHeader(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isHeader);
  return typeof value === 'string' || isBytesOrNull(value ?? null);
}

function isBytesOrNull(value: unknown): boolean {
  return value === null || value instanceof Uint8Array;
}

function wrong(index: number, what: string, value: unknown): TypeError {
  return new TypeError(`record ${index}: ${what}, got ${display(value)}`);
}
