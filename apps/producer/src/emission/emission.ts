import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { Fault, FaultCounts } from '#orders/generator/fault-mix.js';
import type { EmittedDocument, Segment } from '#orders/operation/operation.js';
import { createFaultSelector, type OrderSource, plannedRecords } from '#orders/operation/order-source.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { chunkParts } from './chunk-parts.js';
import type { LagCeiling } from './lag-ceiling.js';
import type { OrdersTopic } from './orders-topic.js';
import { Pace } from './pace.js';
import type { SegmentProgress } from './segment-leases.js';
import { untilDue } from './until-due.js';

/** A rate-limited emission that is on time sends about this many chunks per second, so that the rate is even. */
const CHUNKS_PER_SECOND = 50;
const CEILING_POLL_MS = 250;

export interface EmissionOptions {
  readonly operation: EmittedDocument;
  readonly segment: Segment;
  readonly source: OrderSource;
  readonly topic: OrdersTopic;
  readonly ceiling: LagCeiling;
  /** The clock of the operation's schedule. */
  readonly now: () => Date;
  /** Ends the emission after the current chunk. */
  readonly signal: AbortSignal;
  /** Called after each acknowledged chunk, with its offsets on the topic. */
  readonly onProgress: (progress: SegmentProgress, chunk: AcknowledgedChunk) => Promise<void>;
  /** Called when the emission starts to wait for the consumers, and when it continues. */
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
 * Emits a segment, starting after its last acknowledged order. Each chunk is acknowledged before the next one is sent; an emission that is
 * late sends the overdue chunks together. The next ones are built while the current ones are in flight, so memory is bounded by the orders
 * of two full chunks.
 * @returns the progress: the segment's end, unless the signal ended the emission earlier
 */
export async function emit(options: EmissionOptions): Promise<SegmentProgress> {
  const { operation, segment, topic, signal, onProgress } = options;
  const { at, from: firstDue } = operation.schedule ?? { at: options.now(), from: segment.ackedTo };
  const pace = new Pace(operation.ratePerSecond, at.getTime());
  const overdue = (from: number): number => firstDue + pace.dueBy(options.now().getTime()) - from;
  const buildChunks = createChunkBuilder(options, overdue);
  let { ackedTo, faults } = segment;
  let chunks = await buildChunks(ackedTo);
  while (ackedTo < segment.to && !signal.aborted) {
    await waitForConsumers(options);
    await untilDue(pace.untilDue(ackedTo - firstDue, options.now().getTime()), signal);
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
}: Pick<EmittedDocument, 'chunkSize' | 'ratePerSecond'>): number {
  if (ratePerSecond === null) return chunkSize;
  return Math.min(chunkSize, Math.max(1, Math.ceil(ratePerSecond / CHUNKS_PER_SECOND)));
}

/**
 * Builds one chunk, or as many as are overdue, up to the size of a full one. All chunks of a segment begin at multiples of the same size,
 * also late ones: those of an emission that is repeated after a crash replace those before.
 * @param overdue returns how many orders from an index on should have been sent already
 */
function createChunkBuilder(
  { operation, segment, source, topic }: EmissionOptions,
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
        records: planned.map((record) => topic.record(record, operation._id)),
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

async function waitForConsumers({ ceiling, signal, onWaiting }: EmissionOptions): Promise<void> {
  if (!(await ceiling.isReached())) return;
  await onWaiting(true);
  while (!signal.aborted && (await ceiling.isReached())) await untilDue(CEILING_POLL_MS, signal);
  if (!signal.aborted) await onWaiting(false);
}
