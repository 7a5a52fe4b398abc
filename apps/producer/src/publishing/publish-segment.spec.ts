import { beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '@orders-pipeline/clock';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { AcknowledgedChunk, ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import { type SegmentedDocument, createSegments, type Segment } from '#orders/operation/operation.js';
import type { PlannedRecord } from '#orders/operation/order-source.js';
import { type Order, orderViolation } from '#orders/order/order.js';
import { anOrder } from '#orders/testing/an-order.js';
import { SendGate } from './send-gate.js';
import { chunkParts, evenChunkSize, LagCeiling, publishSegment } from './publish-segment.js';
import { faultyValue, type OrdersTopic } from './orders-topic.js';
import type { SegmentProgress } from './segment-leases.js';

const NOW = new Date('2026-06-15T12:00:00Z');
const SEGMENT: Segment = { ...(createSegments(35)[0] as Segment), from: 5, generatedTo: 5, ackedTo: 5 };

function recordOn(partition: number): OutgoingRecord {
  return { partition, key: null, value: null, headers: {} };
}

function records(...partitions: number[]): OutgoingRecord[] {
  return partitions.map(recordOn);
}

function part(partition: number, count: number, baseOffset: number): ChunkPart {
  return { partition, records: count, baseOffset };
}

/** Publishes a segment to a topic that acknowledges everything, and returns what was sent and reported. */
async function published(segment: Segment, change: object = {}, stopAfter = Number.POSITIVE_INFINITY) {
  const sent: number[] = [];
  const sends: number[] = [];
  const chunks: AcknowledgedChunk[] = [];
  const progress: SegmentProgress[] = [];
  const stop = new AbortController();
  const topic = {
    gate: new SendGate(1),
    encode: ({ index }: PlannedRecord) => recordOn(index),
    send: async (batch: readonly OutgoingRecord[]) => {
      sent.push(...batch.map(({ partition }) => partition));
      sends.push(batch.length);
      return batch.map(({ partition }) => part(partition, 1, 0));
    },
  } as unknown as OrdersTopic;
  const operation = { kind: 'populate', _id: 'x', seed: 1, chunkSize: 10, ratePerSecond: null, ...change };
  const end = await publishSegment({
    operation: operation as SegmentedDocument,
    segment,
    topic,
    source: ({ from, to }) => Array.from({ length: to - from }, () => anOrder()),
    ceiling: new LagCeiling(1, async () => 0, systemClock),
    now: () => NOW,
    signal: stop.signal,
    onProgress: async (now, chunk) => {
      progress.push(now);
      chunks.push(chunk);
      if (chunks.length >= stopAfter) stop.abort();
    },
    onWaiting: async () => undefined,
  });
  return { sent, sends, chunks: chunks.map(({ _id, to }) => `${_id.from}-${to}`), progress, end };
}

function indexes(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

describe('publishing a segment', () => {
  it('sends all chunks in order and reports each when it is acknowledged', async () => {
    const { sent, chunks, progress, end } = await published(SEGMENT);
    expect(sent).toEqual(indexes(5, 35));
    expect(chunks).toEqual(['5-15', '15-25', '25-35']);
    expect(progress.map(({ ackedTo }) => ackedTo)).toEqual([15, 25, 35]);
    expect(progress.map(({ generatedTo }) => generatedTo)).toEqual([25, 35, 35]);
    expect(end).toMatchObject({ ackedTo: 35, generatedTo: 35 });
  });

  it('continues after the last acknowledged order', async () => {
    expect((await published({ ...SEGMENT, ackedTo: 25 })).sent).toEqual(indexes(25, 35));
  });

  it('ends after the current chunk when aborted, and returns its progress', async () => {
    const { sent, end } = await published(SEGMENT, {}, 1);
    expect(sent).toEqual(indexes(5, 15));
    expect(end).toMatchObject({ ackedTo: 15, generatedTo: 25 });
  });

  it('sends overdue chunks together after a stall, and reports each as always', async () => {
    const schedule = { at: new Date(NOW.getTime() - 3_600_000), from: 0 };
    const { sends, chunks, progress } = await published({ ...SEGMENT, to: 17 }, { ratePerSecond: 100, schedule });
    expect(sends).toEqual([10, 2]);
    expect(chunks).toEqual(['5-7', '7-9', '9-11', '11-13', '13-15', '15-17']);
    expect(progress.map(({ ackedTo }) => ackedTo)).toEqual([7, 9, 11, 13, 15, 17]);
  });

  it('sends extra records after their orders, and counts the faults', async () => {
    const faults = { poison: 0, oversized: 0, duplicate: 1, conflict: 1 };
    const { sent, end } = await published({ ...SEGMENT, to: 7 }, { faults });
    expect(sent).toEqual([5, 5, 5, 6, 6, 6]);
    expect(end.faults).toEqual({ poison: 0, oversized: 0, duplicate: 2, conflict: 2 });
  });

  it.each<[number | null, number]>([
    [null, 1_000],
    [100_000, 1_000],
    [5_000, 100],
    [10, 1],
    [0.1, 1],
  ])('at %s orders per second has chunks of %i orders', (ratePerSecond, size) => {
    expect(evenChunkSize({ chunkSize: 1_000, ratePerSecond })).toBe(size);
  });
});

describe('the parts of chunks that were sent together', () => {
  it.each<[string, chunks: OutgoingRecord[][], acknowledged: ChunkPart[], parts: ChunkPart[][]]>([
    [
      'are consecutive in each partition',
      [records(0, 1, 0), records(1, 0)],
      [part(0, 3, 100), part(1, 2, 7)],
      [
        [part(0, 2, 100), part(1, 1, 7)],
        [part(1, 1, 8), part(0, 1, 102)],
      ],
    ],
    [
      'go on with the next batch of a partition',
      [records(0), records(0, 0, 0)],
      [part(0, 2, 100), part(0, 2, 500)],
      [[part(0, 1, 100)], [part(0, 1, 101), part(0, 2, 500)]],
    ],
    [
      'have no offset where Kafka recognised a duplicate',
      [records(0), records(0)],
      [part(0, 2, -1)],
      [[part(0, 1, -1)], [part(0, 1, -1)]],
    ],
  ])('%s', (_, chunks, acknowledged, parts) => {
    expect(chunkParts(chunks, acknowledged)).toEqual(parts);
  });

  it('must all be acknowledged', () => {
    expect(() => chunkParts([records(0, 0)], [part(0, 1, 1)])).toThrow('1 records are not acknowledged');
  });
});

describe('the value of a deliberately faulty record', () => {
  const order = anOrder();
  let encoded: Order[];

  /** Its bytes are the order's id and its filled fields. */
  const codec = {
    encode: (each: Order): Buffer => {
      encoded.push(each);
      return Buffer.from(each.id + (each.legacy?.filled.join() ?? ''));
    },
  };

  beforeEach(() => {
    encoded = [];
  });

  it('rotates through three kinds of poison record', () => {
    const values = [0, 1, 2].map((index) => faultyValue('poison', index, order, codec));
    expect(values.map((value) => value?.toString())).toEqual([undefined, 'not an order: 1', order.id.slice(0, -8)]);
  });

  it('is a valid order between the size limits of the consumers and the broker when oversized', () => {
    const bytes = faultyValue('oversized', 0, order, codec)?.length ?? 0;
    expect(bytes).toBeGreaterThan(16_384);
    expect(bytes).toBeLessThan(100_000);
    expect(encoded.map(orderViolation)).toStrictEqual([undefined]);
  });

  it('is a valid order with the same id and other content when conflicting', () => {
    for (const quantity of [1, 2, 10_000]) faultyValue('conflict', 0, anOrder({ quantity }), codec);
    expect(encoded.map(({ quantity }) => quantity)).toEqual([2, 1, 9_999]);
    expect(encoded.every((each) => each.id === order.id && each.number === order.number)).toBe(true);
    expect(encoded.map(orderViolation)).toStrictEqual([undefined, undefined, undefined]);
  });

  it('is the same order when duplicate', () => {
    faultyValue('duplicate', 0, order, codec);
    expect(encoded).toEqual([order]);
  });
});
