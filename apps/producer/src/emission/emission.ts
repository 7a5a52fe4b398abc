import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import type { Fault, FaultCounts } from '#orders/fault-mix.js';
import type { EmittedDocument } from '#orders/operation.js';
import { faultsIn, type OrderSource } from '#orders/order-source.js';
import { plannedRecords } from '#orders/planned-records.js';
import type { Segment } from '#orders/segments.js';
import type { OutgoingRecord } from '#parallel-consumer/record.js';
import type { LagCeiling } from './lag-ceiling.js';
import type { OrdersTopic } from './orders-topic.js';
import { Pace } from './pace.js';
import type { SegmentProgress } from './segment-leases.js';
import { untilDue } from './until-due.js';

/** How finely a rate is kept. */
const CHUNKS_PER_SECOND = 10;
const LOOK_AGAIN_MS = 250;

export interface EmissionOptions {
  readonly operation: EmittedDocument;
  readonly segment: Segment;
  readonly source: OrderSource;
  readonly topic: OrdersTopic;
  readonly ceiling: LagCeiling;
  /** The time that the operation's schedule goes by. */
  readonly now: () => Date;
  /** Ends the emission after the chunk in hand. */
  readonly signal: AbortSignal;
  /** Called after each acknowledged chunk, with where it stands on the topic. */
  readonly onProgress: (progress: SegmentProgress, chunk: AcknowledgedChunk) => Promise<void>;
  /** Called when the emission begins to wait for the consumers, and when it goes on. */
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
 * Emits a segment from its last acknowledged order on, a chunk at a time, each acknowledged before the next is sent.
 * The next chunk is made while the last one travels. Memory is two chunks, whatever the count.
 * @returns how far it came: to the segment's end, unless the signal ended it
 */
export async function emit(options: EmissionOptions): Promise<SegmentProgress> {
  const { operation, segment, topic, signal, onProgress } = options;
  const { at, from: firstDue } = operation.schedule ?? { at: options.now(), from: segment.ackedTo };
  const pace = new Pace(operation.ratePerSecond, at.getTime());
  const chunkFrom = chunkMaker(options);
  let { ackedTo, faults } = segment;
  let chunk = await chunkFrom(ackedTo);
  while (ackedTo < segment.to && !signal.aborted) {
    await untilConsumersFollow(options);
    await untilDue(pace.untilDue(ackedTo - firstDue, options.now().getTime()), signal);
    if (signal.aborted) break;
    const sent = chunk;
    const sending = topic.send(sent.records);
    // Its failure is met below; until then it must not count as one that nobody looks at.
    sending.catch(() => undefined);
    // The client encodes within this turn of the event loop. A chunk made before that would keep the broker waiting.
    await nextTurn();
    chunk = await chunkFrom(sent.to);
    const parts = await sending;
    const _id = { operationId: operation._id, from: ackedTo };
    ackedTo = sent.to;
    faults = sum(faults, sent.faults);
    await onProgress({ generatedTo: chunk.to, ackedTo, faults }, { _id, to: ackedTo, parts });
  }
  return { generatedTo: chunk.to, ackedTo, faults };
}

/** At a slow rate smaller chunks: a thousand orders at once every minute would be no rate of 17 a second. */
export function evenChunkSize({
  chunkSize,
  ratePerSecond,
}: Pick<EmittedDocument, 'chunkSize' | 'ratePerSecond'>): number {
  if (ratePerSecond === null) return chunkSize;
  return Math.min(chunkSize, Math.max(1, Math.ceil(ratePerSecond / CHUNKS_PER_SECOND)));
}

function chunkMaker({ operation, segment, source, topic }: EmissionOptions): (from: number) => Promise<Chunk> {
  const chunkSize = evenChunkSize(operation);
  const faultsAt = faultsIn(operation);
  return async (from) => {
    const to = Math.min(from + chunkSize, segment.to);
    const planned = plannedRecords(await source({ from, to }), from, faultsAt);
    return {
      to,
      records: planned.map((record) => topic.record(record, operation._id)),
      faults: planned.map(({ fault }) => fault).filter((fault) => fault !== undefined),
    };
  };
}

function sum(counts: FaultCounts, more: readonly Fault[]): FaultCounts {
  if (more.length === 0) return counts;
  const next = { ...counts };
  for (const fault of more) next[fault] += 1;
  return next;
}

async function untilConsumersFollow({ ceiling, signal, onWaiting }: EmissionOptions): Promise<void> {
  if (!(await ceiling.isReached())) return;
  await onWaiting(true);
  while (!signal.aborted && (await ceiling.isReached())) await untilDue(LOOK_AGAIN_MS, signal);
  if (!signal.aborted) await onWaiting(false);
}
