import { describe, expect, it } from '@jest/globals';
import type { AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { EmittedDocument } from '#orders/operation/operation.js';
import type { Order } from '#orders/order/order.js';
import type { PlannedRecord } from '#orders/operation/planned-records.js';
import { createSegments, type Segment } from '#orders/operation/segments.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { systemClock } from '@orders-pipeline/clock';
import { SendGate } from '../expansion/send-gate.js';
import { emit, evenChunkSize } from './emission.js';
import { LagCeiling } from './lag-ceiling.js';
import type { OrdersTopic } from './orders-topic.js';
import type { SegmentProgress } from './segment-leases.js';

/** Emits a segment to a topic that acknowledges everything, and returns what was sent and reported. */
async function emitSegment(segment: Segment, change: object = {}, stopAfter = Number.POSITIVE_INFINITY) {
  const sent: number[] = [];
  const sends: number[] = [];
  const chunks: AcknowledgedChunk[] = [];
  const progress: SegmentProgress[] = [];
  const stop = new AbortController();
  const topic = {
    gate: new SendGate(1),
    record: ({ index }: PlannedRecord): OutgoingRecord => ({ partition: index, key: null, value: null, headers: {} }),
    send: async (records: readonly OutgoingRecord[]) => {
      sent.push(...records.map(({ partition }) => partition));
      sends.push(records.length);
      return records.map(({ partition }) => ({ partition, records: 1, baseOffset: 0 }));
    },
  } as unknown as OrdersTopic;
  const operation = {
    kind: 'populate',
    _id: 'x',
    seed: 1,
    chunkSize: 10,
    ratePerSecond: null,
    ...change,
  } as EmittedDocument;
  const end = await emit({
    operation,
    segment,
    topic,
    source: ({ from, to }) => Array.from({ length: to - from }, () => ({}) as Order),
    ceiling: new LagCeiling(1, async () => 0, systemClock),
    now: () => new Date(),
    signal: stop.signal,
    onProgress: async (now, chunk) => {
      progress.push(now);
      chunks.push(chunk);
      if (chunks.length >= stopAfter) stop.abort();
    },
    onWaiting: async () => undefined,
  });
  return { sent, sends, chunks: chunks.map(({ _id, to }) => [_id.from, to]), progress, end };
}

const SEGMENT: Segment = { ...(createSegments(35)[0] as Segment), from: 5, generatedTo: 5, ackedTo: 5 };
const indexes = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

describe('emitting a segment', () => {
  it('sends all chunks in order and reports each when it is acknowledged', async () => {
    const { sent, chunks, progress, end } = await emitSegment(SEGMENT);
    expect(sent).toEqual(indexes(5, 35));
    expect(chunks).toEqual([
      [5, 15],
      [15, 25],
      [25, 35],
    ]);
    expect(progress.map(({ ackedTo, generatedTo }) => [ackedTo, generatedTo])).toEqual([
      [15, 25],
      [25, 35],
      [35, 35],
    ]);
    expect(end).toMatchObject({ ackedTo: 35, generatedTo: 35 });
  });

  it('continues after the last acknowledged order', async () => {
    expect((await emitSegment({ ...SEGMENT, ackedTo: 25 })).sent).toEqual(indexes(25, 35));
  });

  it('ends after the current chunk when aborted, and returns its progress', async () => {
    const { sent, end } = await emitSegment(SEGMENT, {}, 1);
    expect(sent).toEqual(indexes(5, 15));
    expect(end).toMatchObject({ ackedTo: 15, generatedTo: 25 });
  });

  it('sends overdue chunks together after a stall, and reports each as always', async () => {
    const schedule = { at: new Date(Date.now() - 3_600_000), from: 0 };
    const { sends, chunks, progress } = await emitSegment({ ...SEGMENT, to: 17 }, { ratePerSecond: 100, schedule });
    expect(sends).toEqual([10, 2]);
    expect(chunks).toEqual([5, 7, 9, 11, 13, 15].map((from) => [from, from + 2]));
    expect(progress.map(({ ackedTo }) => ackedTo)).toEqual([7, 9, 11, 13, 15, 17]);
  });

  it('sends extra records after their orders, and counts the faults', async () => {
    const faults = { poison: 0, oversized: 0, duplicate: 1, conflict: 1 };
    const { sent, end } = await emitSegment({ ...SEGMENT, to: 7 }, { faults });
    expect(sent).toEqual([5, 5, 5, 6, 6, 6]);
    expect(end.faults).toEqual({ poison: 0, oversized: 0, duplicate: 2, conflict: 2 });
  });
});

describe('the chunk size of an emission', () => {
  it.each<[number | null, number]>([
    [null, 1_000],
    [100_000, 1_000],
    [5_000, 100],
    [10, 1],
    [0.1, 1],
  ])('at %s orders per second is %i orders', (ratePerSecond, size) => {
    expect(evenChunkSize({ chunkSize: 1_000, ratePerSecond })).toBe(size);
  });
});
