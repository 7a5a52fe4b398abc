import { randomInt } from 'node:crypto';
import { consumersCollection, type ConsumerHeartbeat } from '#orders/consumer/consumers.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { pause, systemClock } from '@orders-pipeline/clock';
import type { ComparisonStack } from '../../dev/compare/comparison-stack.js';
import { populate } from '../../dev/compare/producer-requests.js';
import { areSettled } from '../../dev/compare/settled-consumers.js';
import { ProcessWatch } from '../end-to-end/process-watch.js';
import { heartbeatRate } from './heartbeat-rate.js';

/** Configuration of the consumers. */
export interface ScaledSetUp {
  readonly consumers: number;
  /** In-flight limit of each consumer. */
  readonly inFlight: number;
}

/** Result of a measurement during which there was always more to save. */
export interface ScaledRun extends ScaledSetUp {
  readonly savedPerSecond: number;
  /** Highest peak of all consumers. */
  readonly peakRssMiB: number;
  /** Sum over all consumers. */
  readonly cpuSeconds: number;
}

export interface ScaledRunOptions {
  readonly stack: ComparisonStack;
  /** Duration of the measurement, in seconds. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const SAVE_MS = '0..1000';
export const MEAN_SAVE_SECONDS = 0.5;
/** Time until V8 has compiled and the first saves complete. */
const WARM_UP_SECONDS = 5;
/** Extra work, so that the orders last until the end of the measurement. */
const RESERVE_SECONDS = 3;
/** Two cores do not save more: further orders would only have to be saved after the measurement. */
const MAX_PER_SECOND = 22_000;
const POLL_MS = 100;
const TIMEOUT_MS = 180_000;

/**
 * Runs consumers as `npm start` does, over a populate that outlasts the measurement. Measures orders saved per second between the warm-up
 * and the end, by the counts and times of the consumers' heartbeats. Returns after all orders are saved.
 */
export async function scaledRun(setUp: ScaledSetUp, { stack, seconds, signal }: ScaledRunOptions): Promise<ScaledRun> {
  const { consumers, inFlight } = setUp;
  await stack.consume(consumers, {
    IN_FLIGHT_LIMIT: String(inFlight),
    ORDERING: 'key',
    SAVE_DELAY_MS: SAVE_MS,
    SAVE_DELAY_SEED: '1',
  });
  const heartbeats = async () => consumersCollection(stack.mongo.db).find().toArray();
  await until(async () => areSettled(await heartbeats(), consumers, DEFAULT_PARTITIONS), signal);
  const perSecond = Math.min(MAX_PER_SECOND, (consumers * inFlight) / MEAN_SAVE_SECONDS);
  const count = Math.ceil(perSecond * (WARM_UP_SECONDS + seconds + RESERVE_SECONDS));
  const before = await ordersCollection(stack.mongo.db).estimatedDocumentCount();
  await populate(stack.producerUrl, count, randomInt(2 ** 31), signal);
  await until(async () => (await heartbeats()).some(({ inFlight: running }) => running > 0), signal);
  await pause(systemClock, WARM_UP_SECONDS * 1_000);
  const watch = new ProcessWatch(() => stack.processes().filter(({ name }) => name.startsWith('consumer-')));
  const first = await takeSample(watch, heartbeats);
  await pause(systemClock, seconds * 1_000);
  const last = await takeSample(watch, heartbeats);
  const totals = watch.totals();
  const saved = async () => (await ordersCollection(stack.mongo.db).estimatedDocumentCount()) - before;
  if ((await saved()) >= count)
    throw new Error(
      `all ${count} orders were saved before the measurement ended: the rate would not be that of ${consumers} consumers`,
    );
  await until(async () => (await saved()) >= count, signal);
  return {
    ...setUp,
    savedPerSecond: heartbeatRate(first, last),
    peakRssMiB: Math.max(...totals.map(({ peakRssMiB }) => peakRssMiB)),
    cpuSeconds: totals.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

async function takeSample(watch: ProcessWatch, heartbeats: () => Promise<ConsumerHeartbeat[]>) {
  const [current] = await Promise.all([heartbeats(), watch.sample()]);
  return current;
}

async function until(holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await holds())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`the pipeline made no progress for ${TIMEOUT_MS / 1_000} s`);
    await pause(systemClock, POLL_MS);
  }
}
