import { setTimeout as sleep } from 'node:timers/promises';
import type { AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import { orderGenerator } from '#orders/generator.js';
import { batchOf, type OperationDocument } from '#orders/operation.js';
import type { Order } from '#orders/order.js';
import type { OutgoingRecord } from '#parallel-consumer/record.js';
import type { LagCeiling } from './lag-ceiling.js';
import type { Progress } from '../operations/operations.js';
import type { OrdersTopic } from './orders-topic.js';
import { Pace } from './pace.js';

/** How finely a rate is kept. */
const CHUNKS_PER_SECOND = 10;
const LOOK_AGAIN_MS = 250;

export interface EmissionOptions {
  readonly operation: OperationDocument;
  readonly topic: OrdersTopic;
  readonly ceiling: LagCeiling;
  /** Ends the emission after the chunk in hand. */
  readonly signal: AbortSignal;
  /** Called after each acknowledged chunk, with where it stands on the topic. */
  readonly onProgress: (progress: Progress, chunk: AcknowledgedChunk) => Promise<void>;
  /** Called when the emission begins to wait for the consumers, and when it goes on. */
  readonly onWaiting: (isWaiting: boolean) => Promise<void>;
}

/**
 * Emits an operation from its last acknowledged order on, a chunk at a time, each acknowledged before the next is sent.
 * The next chunk is made while the last one travels. Memory is two chunks, whatever the count.
 * @returns how far it came: all of it, unless the signal ended it
 */
export async function emit(options: EmissionOptions): Promise<Progress> {
  const { operation, topic, signal, onProgress } = options;
  const { acked: start, count } = operation;
  const { at, from: firstDue } = operation.schedule ?? { at: new Date(), from: start };
  const chunkSize = evenChunkSize(operation);
  const orderAt = orderGenerator(batchOf(operation));
  const pace = new Pace(operation.ratePerSecond, at.getTime());
  const chunkFrom = (from: number): OutgoingRecord[] =>
    makeChunk(operation._id, topic, orderAt, from, Math.min(from + chunkSize, count));
  let acked = start;
  let chunk = chunkFrom(acked);
  while (acked < count && !signal.aborted) {
    await untilConsumersFollow(options);
    await untilDue(pace.untilDue(acked - firstDue, Date.now()), signal);
    if (signal.aborted) break;
    const sending = topic.send(chunk);
    const sent = chunk.length;
    chunk = chunkFrom(acked + sent);
    const parts = await sending;
    const _id = { operationId: operation._id, from: acked };
    acked += sent;
    await onProgress({ generated: acked + chunk.length, acked }, { _id, to: acked, parts });
  }
  return { generated: acked === count ? count : acked + chunk.length, acked };
}

/** At a slow rate smaller chunks: a thousand orders at once every minute would be no rate of 17 a second. */
export function evenChunkSize({
  chunkSize,
  ratePerSecond,
}: Pick<OperationDocument, 'chunkSize' | 'ratePerSecond'>): number {
  if (ratePerSecond === null) return chunkSize;
  return Math.min(chunkSize, Math.max(1, Math.ceil(ratePerSecond / CHUNKS_PER_SECOND)));
}

function makeChunk(
  operationId: string,
  topic: OrdersTopic,
  orderAt: (index: number) => Order,
  from: number,
  to: number,
): OutgoingRecord[] {
  const records: OutgoingRecord[] = [];
  for (let index = from; index < to; index += 1) records.push(topic.record(orderAt(index), operationId, index));
  return records;
}

async function untilConsumersFollow({ ceiling, signal, onWaiting }: EmissionOptions): Promise<void> {
  if (!(await ceiling.isReached())) return;
  await onWaiting(true);
  while (!signal.aborted && (await ceiling.isReached())) await untilDue(LOOK_AGAIN_MS, signal);
  if (!signal.aborted) await onWaiting(false);
}

async function untilDue(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0) return;
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
