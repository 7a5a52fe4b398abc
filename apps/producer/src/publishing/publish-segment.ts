import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Clock } from '@orders-pipeline/clock';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { AcknowledgedChunk, ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import type { Fault, FaultCounts } from '#orders/generator/fault-mix.js';
import type { SegmentedDocument, Segment } from '#orders/operation/operation.js';
import { createFaultSelector, type OrderSource, plannedRecords } from '#orders/operation/order-source.js';
import { recordsBetween, type TopicPositions, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { OrdersTopic } from './orders-topic.js';
import type { SegmentProgress } from './segment-leases.js';

/** A rate-limited segment that is on time is sent in about this many chunks per second, so that the rate is even. */
const CHUNKS_PER_SECOND = 50;
const CEILING_POLL_MS = 250;

interface PublishingOptions {
  readonly operation: SegmentedDocument;
  readonly segment: Segment;
  readonly source: OrderSource;
  readonly topic: OrdersTopic;
  readonly ceiling: LagCeiling;
  /** The clock of the operation's schedule. */
  readonly now: () => Date;
  /** Ends the work after the current chunk. */
  readonly signal: AbortSignal;
  /** Called after each acknowledged chunk, with its offsets on the topic. */
  readonly onProgress: (progress: SegmentProgress, chunk: AcknowledgedChunk) => Promise<void>;
  /** Called when publishing starts to wait for the consumers, and when it continues. */
  readonly onWaiting: (isWaiting: boolean) => Promise<void>;
}

/** A chunk ready to be sent. */
interface Chunk {
  /** One past its last index. */
  readonly to: number;
  readonly records: readonly OutgoingRecord[];
  readonly faults: readonly Fault[];
}

/**
 * Publishes a segment, starting after its last acknowledged order. Each chunk is acknowledged before the next one is sent; overdue chunks
 * are sent together. The next ones are built while the current ones are in flight, so memory is bounded by the orders
 * of two full chunks.
 * @returns the progress: the segment's end, unless the signal ended the work earlier
 */
export async function publishSegment(options: PublishingOptions): Promise<SegmentProgress> {
  const { operation, segment, topic, signal, onProgress } = options;
  const { at, from: firstDue } = operation.schedule ?? { at: options.now(), from: segment.ackedTo };
  const rate = new RateSchedule(operation.ratePerSecond, at.getTime());
  const overdue = (from: number): number => firstDue + rate.dueBy(options.now().getTime()) - from;
  const buildChunks = createChunkBuilder(options, overdue);
  let { ackedTo, faults } = segment;
  let chunks = await buildChunks(ackedTo);
  while (ackedTo < segment.to && !signal.aborted) {
    await waitForConsumers(options);
    await abortableSleep(rate.untilDue(ackedTo - firstDue, options.now().getTime()), signal);
    if (signal.aborted) break;
    const sent = chunks;
    const sending = topic.send(sent.flatMap(({ records }) => records));
    // The failure is handled at `await sending`; until then it must not count as an unhandled rejection.
    sending.catch(() => undefined);
    // The client encodes within this turn of the event loop. Building the next chunks first would delay the send.
    await nextTurn();
    chunks = await buildChunks(endOf(sent, ackedTo));
    const generatedTo = endOf(chunks, endOf(sent, ackedTo));
    const parts = chunkParts(
      sent.map(({ records }) => records),
      await sending,
    );
    for (const [place, chunk] of sent.entries()) {
      const _id = { operationId: operation._id, from: ackedTo };
      ackedTo = chunk.to;
      faults = sum(faults, chunk.faults);
      const acknowledged = { _id, to: ackedTo, parts: parts[place] ?? [], partitions: topic.gate.partitions };
      await onProgress({ generatedTo, ackedTo, faults }, acknowledged);
    }
  }
  return { generatedTo: endOf(chunks, ackedTo), ackedTo, faults };
}

function endOf(chunks: readonly Chunk[], otherwise: number): number {
  return chunks.at(-1)?.to ?? otherwise;
}

/** Returns a smaller chunk size for a slow rate: 1,000 orders at once every minute are not 17 orders per second. */
export function evenChunkSize({
  chunkSize,
  ratePerSecond,
}: Pick<SegmentedDocument, 'chunkSize' | 'ratePerSecond'>): number {
  if (ratePerSecond === null) return chunkSize;
  return Math.min(chunkSize, Math.max(1, Math.ceil(ratePerSecond / CHUNKS_PER_SECOND)));
}

/**
 * Builds one chunk, or as many as are overdue, up to the size of a full one. All chunks of a segment begin at multiples of the same size,
 * also late ones: chunks that are sent again after a crash replace the stored ones.
 * @param overdue returns how many orders from an index on should have been sent already
 */
function createChunkBuilder(
  { operation, segment, source, topic }: PublishingOptions,
  overdue: (from: number) => number,
): (from: number) => Promise<readonly Chunk[]> {
  const size = evenChunkSize(operation);
  const faultsAt = createFaultSelector(operation);
  return async (first) => {
    const together = Math.max(1, Math.floor(Math.min(overdue(first), operation.chunkSize) / size));
    const end = Math.min(first + together * size, segment.to);
    const orders = await source({ from: first, to: end });
    const starts = Array.from({ length: Math.ceil((end - first) / size) }, (_, place) => first + place * size);
    return starts.map((from) => {
      const to = Math.min(from + size, end);
      const planned = plannedRecords(orders.slice(from - first, to - first), from, faultsAt);
      return {
        to,
        records: planned.map((record) => topic.encode(record, operation)),
        faults: planned.map(({ fault }) => fault).filter((fault) => fault !== undefined),
      };
    });
  };
}

function sum(counts: FaultCounts, more: readonly Fault[]): FaultCounts {
  if (more.length === 0) return counts;
  const next = { ...counts };
  for (const fault of more) next[fault] += 1;
  return next;
}

async function waitForConsumers({ ceiling, signal, onWaiting }: PublishingOptions): Promise<void> {
  if (!(await ceiling.isReached())) return;
  await onWaiting(true);
  while (!signal.aborted && (await ceiling.isReached())) await abortableSleep(CEILING_POLL_MS, signal);
  if (!signal.aborted) await onWaiting(false);
}

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

/** How often the lag is read, in ms. Publishing can exceed the ceiling for this long. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * Pauses publishing while the consumer lag is at or above the ceiling. The lag exceeds it by what is published in one second at most.
 * An unknown lag pauses nothing: without Kafka nothing is sent anyway.
 */
@Injectable()
export class LagCeiling {
  private checkedAt = Number.NEGATIVE_INFINITY;
  private reached = false;

  /** @param lag returns the consumer lag, in records */
  constructor(
    private readonly ceiling: number,
    private readonly lag: () => Promise<number>,
    private readonly clock: Clock,
  ) {}

  /** Whether publishing must wait now. */
  async isReached(): Promise<boolean> {
    const now = this.clock.now();
    if (now - this.checkedAt < CHECK_INTERVAL_MS) return this.reached;
    this.checkedAt = now;
    this.reached = await this.lag().then(
      (lag) => lag >= this.ceiling,
      () => false,
    );
    return this.reached;
  }
}

/** Returns the consumer lag on the orders topic, in records, by committed offsets. @throws when Kafka does not respond */
export async function consumerLag(positions: TopicPositions): Promise<number> {
  const [committed, ends] = await Promise.all([
    positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC),
    positions.ends(ORDERS_TOPIC),
  ]);
  return recordsBetween(committed, ends);
}

/**
 * Schedules orders by an open model: the n-th order is due at start + n / rate, independent of earlier orders. So publishing
 * catches up after a stall. A closed model would delay all later orders, and silently lower the requested rate.
 */
export class RateSchedule {
  constructor(
    private readonly ratePerSecond: number | null,
    private readonly startedAt: number,
  ) {}

  /** Returns the milliseconds from `now` until order number `sent` (from 0) is due; 0 when it is overdue. */
  untilDue(sent: number, now: number): number {
    if (this.ratePerSecond === null) return 0;
    return Math.max(0, this.startedAt + (sent / this.ratePerSecond) * 1_000 - now);
  }

  /** Returns how many orders are due by `now`. */
  dueBy(now: number): number {
    if (this.ratePerSecond === null) return Number.POSITIVE_INFINITY;
    return Math.max(0, Math.floor(((now - this.startedAt) / 1_000) * this.ratePerSecond) + 1);
  }
}

/** Waits for the given time or until the signal aborts. */
export async function abortableSleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0) return;
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
