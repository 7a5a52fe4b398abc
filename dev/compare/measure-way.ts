import { consumersCollection } from '#orders/consumer/consumers.js';
import type { PopulateInput } from '#orders/generator/generator.js';
import { countSaved, numbersOf } from '#orders/operation/saved-count.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { pause, systemClock } from '@orders-pipeline/clock';
import { StackError } from '../stack-error.js';
import type { CompareOptions } from './compare-options.js';
import type { ComparedWay, Measured } from './compared-way.js';
import type { ComparisonStack } from './comparison-stack.js';
import type { PlannedOrder } from './planned-orders.js';
import { populate } from './producer-requests.js';
import { findOverlap, firstBegunAt, readSaved, type SavedOrder } from './saved-orders.js';
import { areSettled } from './settled-consumers.js';

const SETTLED_WITHIN_MS = 60_000;
const POLL_EVERY_MS = 50;
/** The resolution of the measurement. */
const COUNT_EVERY_MS = 10;
/** The time limit, in addition to twice the theoretical minimum. */
const SAVED_WITHIN_MS = 60_000;

export interface MeasuringOptions extends Pick<CompareOptions, 'seed' | 'saveMs'> {
  readonly stack: ComparisonStack;
  readonly planned: readonly PlannedOrder[];
  readonly signal: AbortSignal;
}

/**
 * Measures one way. Starts its consumers and waits until they own their partitions. Then measures from sending the populate
 * request until a majority of the MongoDB members has every order: all that a user waits for, including emitting and durable writes.
 * Where all orders are in flight at once, the second of two rounds counts. A new process needs about 0.3 s for its first orders;
 * beside waits of a second, that would measure the process rather than the way.
 * @throws StackError `comparison-failed` if an order is missing or altered, or the promised order was not kept
 */
export async function measureWay(way: ComparedWay, options: MeasuringOptions): Promise<Measured> {
  const { stack, seed, saveMs } = options;
  await stack.consume(way.consumers, {
    IN_FLIGHT_LIMIT: String(way.inFlight),
    ORDERING: way.ordering,
    SAVE_DELAY_MS: `${saveMs.minimum}..${saveMs.maximum}`,
    SAVE_DELAY_SEED: String(seed),
  });
  await untilSettled(way, options);
  const warmUp = way.inFlight >= way.measuredOrders ? await saveOnce(way, options) : undefined;
  return { ...(await saveOnce(way, options)), warmUpSeconds: warmUp?.seconds ?? null };
}

/** Runs one round: sends, saves and verifies the orders. */
async function saveOnce(way: ComparedWay, options: MeasuringOptions): Promise<Omit<Measured, 'warmUpSeconds'>> {
  const { stack, planned, seed, signal } = options;
  const sentAt = Date.now();
  const startedAt = performance.now();
  const batch = await populate(stack.producerUrl, way.measuredOrders, seed, signal);
  await untilSaved(way, batch, options);
  const seconds = (performance.now() - startedAt) / 1_000;
  const saved = await verifiedOrders(way, batch, stack, planned);
  return { seconds, firstSaveSeconds: Math.max(0, firstBegunAt(saved, planned) - sentAt) / 1_000 };
}

async function untilSettled({ name, consumers }: ComparedWay, { stack, signal }: MeasuringOptions): Promise<void> {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  const readHeartbeats = async () => consumersCollection(stack.mongo.db).find().toArray();
  while (!areSettled(await readHeartbeats(), consumers, DEFAULT_PARTITIONS)) {
    signal.throwIfAborted();
    if (performance.now() > deadline)
      throw failure(name, `the consumers did not share the partitions within ${SETTLED_WITHIN_MS / 1_000} s`);
    await pause(systemClock, POLL_EVERY_MS);
  }
}

async function untilSaved(
  { name, theorySeconds }: ComparedWay,
  batch: PopulateInput,
  { stack, signal }: MeasuringOptions,
): Promise<void> {
  const deadline = performance.now() + SAVED_WITHIN_MS + 2_000 * theorySeconds;
  const count = async () => countSaved(stack.mongo.db, batch, { from: 0, to: batch.count });
  for (let saved = await count(); saved < batch.count; saved = await count()) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw failure(name, `${saved} of ${batch.count} orders were saved in time`);
    await pause(systemClock, COUNT_EVERY_MS);
  }
}

async function verifiedOrders(
  way: ComparedWay,
  batch: PopulateInput,
  { mongo }: ComparisonStack,
  planned: readonly PlannedOrder[],
): Promise<SavedOrder[]> {
  const numbers = numbersOf(batch, { from: 0, to: batch.count });
  const documents = await ordersCollection(mongo.db).find({ number: numbers }).sort({ number: 1 }).toArray();
  const saved = readSaved(documents, batch);
  if (typeof saved === 'string') throw failure(way.name, saved);
  const overlap = findOverlap(way, saved, planned);
  if (overlap !== undefined) throw failure(way.name, overlap);
  return saved;
}

function failure(way: string, what: string): StackError {
  return new StackError(
    'comparison-failed',
    `${way}: ${what}.`,
    'The figures would be meaningless. Try again, on a less loaded machine if necessary.',
  );
}
