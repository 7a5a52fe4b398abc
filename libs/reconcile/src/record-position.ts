import type { AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import type { PlannedRecord } from '#orders/planned-records.js';
import type { Fault } from '#orders/fault-mix.js';

/** Where a record stands on the topic. */
export interface RecordPosition {
  readonly partition: number;
  /** `null`: Kafka recognised the batch as one that it had, and didn't say where. */
  readonly offset: number | null;
}

/**
 * Where a chunk's records stand: they follow each other on each partition in the order in which they were sent, from the
 * offset that Kafka gave. Nothing has to be read from the topic for it.
 * @param records all of the chunk
 * @returns a look-up by index and fault; `undefined` for a record that the acknowledgement doesn't cover
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
