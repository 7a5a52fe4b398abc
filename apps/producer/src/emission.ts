import { setTimeout as sleep } from 'node:timers/promises';
import { orderGenerator } from '#orders/generator.js';
import { batchOf, type OperationDocument } from '#orders/operation.js';
import type { Order } from '#orders/order.js';
import type { OutgoingRecord } from '#parallel-consumer/record.js';
import type { Progress } from './operations.js';
import type { OrdersTopic } from './orders-topic.js';
import { Pace } from './pace.js';

/** How finely a rate is kept. */
const CHUNKS_PER_SECOND = 10;

export interface EmissionOptions {
  readonly operation: OperationDocument;
  readonly topic: OrdersTopic;
  /** Ends the emission after the chunk in hand. */
  readonly signal: AbortSignal;
  /** Called after each acknowledged chunk. */
  readonly onProgress: (progress: Progress) => Promise<void>;
}

/**
 * Emits an operation from its last acknowledged order on, a chunk at a time, each acknowledged before the next is sent.
 * The next chunk is made while the last one travels. Memory is two chunks, whatever the count.
 * @returns how far it came: all of it, unless the signal ended it
 */
export async function emit({ operation, topic, signal, onProgress }: EmissionOptions): Promise<Progress> {
  const { acked: start, count } = operation;
  const chunkSize = evenChunkSize(operation);
  const orderAt = orderGenerator(batchOf(operation));
  const pace = new Pace(operation.ratePerSecond, Date.now());
  const chunkFrom = (from: number): OutgoingRecord[] =>
    makeChunk(operation._id, topic, orderAt, from, Math.min(from + chunkSize, count));
  let acked = start;
  let chunk = chunkFrom(acked);
  while (acked < count && !signal.aborted) {
    await untilDue(pace.untilDue(acked - start, Date.now()), signal);
    if (signal.aborted) break;
    const sending = topic.send(chunk);
    const sent = chunk.length;
    chunk = chunkFrom(acked + sent);
    await sending;
    acked += sent;
    await onProgress({ generated: acked + chunk.length, acked });
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

async function untilDue(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0) return;
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
