import type { ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import type { Fault } from '#orders/operation/fault-mix.js';

/** A record's position on the topic. */
export interface RecordPosition {
  readonly partition: number;
  /** `null` if Kafka recognised the batch as a duplicate and did not return its offset. */
  readonly offset: number | null;
}

/** Returns the position of a record by its index and fault; `undefined` if no acknowledgement covers it. */
export type PositionOf = (index: number, fault: Fault | undefined) => RecordPosition | undefined;

/** A record, and the partition that it was sent to. */
export interface PlacedRecord {
  readonly index: number;
  readonly fault: Fault | undefined;
  readonly partition: number;
}

/**
 * Computes the positions of records that were acknowledged together, without reading the topic: on each partition they are consecutive
 * in send order, from the acknowledged base offset on.
 * @param records all records, in the order in which they were sent
 */
export function recordPositions(parts: readonly ChunkPart[], records: readonly PlacedRecord[]): PositionOf {
  const sent = new Map<number, number>();
  const positions = new Map<string, RecordPosition>();
  for (const { index, fault, partition } of records) {
    const place = sent.get(partition) ?? 0;
    sent.set(partition, place + 1);
    const position = positionAt(parts, partition, place);
    if (position !== undefined) positions.set(keyOf(index, fault), position);
  }
  return (index, fault) => positions.get(keyOf(index, fault));
}

function positionAt(parts: readonly ChunkPart[], partition: number, place: number): RecordPosition | undefined {
  let before = 0;
  for (const part of parts) {
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
