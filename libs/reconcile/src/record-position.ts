import type { AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { PlannedRecord } from '#orders/operation/planned-records.js';
import type { Fault } from '#orders/operation/fault-mix.js';

/** A record's position on the topic. */
export interface RecordPosition {
  readonly partition: number;
  /** `null` if Kafka recognised the batch as a duplicate and did not return its offset. */
  readonly offset: number | null;
}

/**
 * Computes the positions of a chunk's records without reading the topic: on each partition they are consecutive in send order,
 * from the acknowledged base offset on.
 * @param records all records of the chunk
 * @returns a function of index and fault; it returns `undefined` for a record that the acknowledgement doesn't cover
 */
export function recordPositions(
  chunk: AcknowledgedChunk,
  records: readonly PlannedRecord[],
  partitionOf: (accountId: string) => number,
): (index: number, fault: Fault | undefined) => RecordPosition | undefined {
  const sent = new Map<number, number>();
  const positions = new Map<string, RecordPosition>();
  for (const { order, index, fault } of records) {
    const partition = partitionOf(order.accountId);
    const place = sent.get(partition) ?? 0;
    sent.set(partition, place + 1);
    const position = positionAt(chunk, partition, place);
    if (position !== undefined) positions.set(keyOf(index, fault), position);
  }
  return (index, fault) => positions.get(keyOf(index, fault));
}

function positionAt(chunk: AcknowledgedChunk, partition: number, place: number): RecordPosition | undefined {
  let before = 0;
  for (const part of chunk.parts) {
    if (part.partition !== partition) continue;
    if (place < before + part.records)
      return { partition, offset: part.baseOffset < 0 ? null : part.baseOffset + place - before };
    before += part.records;
  }
  return undefined;
}

function keyOf(index: number, fault: Fault | undefined): string {
  return fault === undefined ? String(index) : `${index}/${fault}`;
}
