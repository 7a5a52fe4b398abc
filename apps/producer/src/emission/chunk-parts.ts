import type { ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement } from '@orders-pipeline/parallel-consumer/kafkajs';

/**
 * Divides the acknowledgements of chunks that were sent together among them. The records of a partition are on the topic in the order in
 * which they were sent.
 */
export function chunkParts(
  chunks: readonly (readonly OutgoingRecord[])[],
  acknowledged: readonly Acknowledgement[],
): ChunkPart[][] {
  const left = Map.groupBy(acknowledged, ({ partition }) => partition);
  return chunks.map((records) =>
    [...Map.groupBy(records, ({ partition }) => partition)].flatMap(([partition, { length }]) =>
      takeFrom(left.get(partition) ?? [], length),
    ),
  );
}

/** Takes so many records from the acknowledgements of a partition, and leaves the rest in the list. */
function takeFrom(left: Acknowledgement[], records: number): ChunkPart[] {
  const taken: ChunkPart[] = [];
  for (let missing = records; missing > 0;) {
    const first = left.shift();
    if (first === undefined) throw new Error(`${missing} records are not acknowledged`);
    const part = { ...first, records: Math.min(missing, first.records) };
    taken.push(part);
    missing -= part.records;
    if (part.records < first.records) left.unshift(without(first, part.records));
  }
  return taken;
}

function without({ partition, records, baseOffset }: Acknowledgement, taken: number): Acknowledgement {
  return { partition, records: records - taken, baseOffset: baseOffset < 0 ? baseOffset : baseOffset + taken };
}
