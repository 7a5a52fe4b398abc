import { randomInt } from 'node:crypto';
import { consumersCollection, type ConsumerHeartbeat } from '#orders/consumer-heartbeat.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { DEFAULT_PARTITIONS } from '#orders/topics.js';
import { pause, systemClock } from '#parallel-consumer/clock.js';
import type { ComparisonStack } from '../../dev/compare/comparison-stack.js';
import { populate } from '../../dev/compare/producer-requests.js';
import { areSettled } from '../../dev/compare/settled-consumers.js';
import { ProcessWatch } from '../end-to-end/process-watch.js';
import { heartbeatRate } from './heartbeat-rate.js';

/** How the consumers are run. */
export interface ScaledSetUp {
  readonly consumers: number;
  /** Of each. */
  readonly inFlight: number;
}

/** What some seconds of saving came to, with more to save all the time. */
export interface ScaledRun extends ScaledSetUp {
  readonly savedPerSecond: number;
  /** The most that any of the consumers had. */
  readonly peakRssMiB: number;
  /** Of all consumers together. */
  readonly cpuSeconds: number;
}

export interface ScaledRunOptions {
  readonly stack: ComparisonStack;
  /** What is measured, in seconds. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const SAVE_MS = '0..1000';
export const MEAN_SAVE_SECONDS = 0.5;
/** A new process compiles, and the first waits end. */
const WARM_UP_SECONDS = 5;
/** What is saved before the measuring ends must not be all that there is. */
const TO_SPARE_SECONDS = 3;
/** Two cores don't save more: what is asked for beyond it would only have to be saved afterwards. */
const MOST_PER_SECOND = 22_000;
const LOOK_EVERY_MS = 100;
const PATIENCE_MS = 180_000;

/**
 * So many consumers, as `npm start` runs them, over a populate that lasts: saved per second, by their own counts at the times of their own
 * heartbeats, between the warm-up and the end. All that was populated is saved before it returns.
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
  const perSecond = Math.min(MOST_PER_SECOND, (consumers * inFlight) / MEAN_SAVE_SECONDS);
  const count = Math.ceil(perSecond * (WARM_UP_SECONDS + seconds + TO_SPARE_SECONDS));
  const before = await ordersCollection(stack.mongo.db).estimatedDocumentCount();
  await populate(stack.producerUrl, count, randomInt(2 ** 31), signal);
  await until(async () => (await heartbeats()).some(({ inFlight: running }) => running > 0), signal);
  await pause(systemClock, WARM_UP_SECONDS * 1_000);
  const watch = new ProcessWatch(() => stack.processes().filter(({ name }) => name.startsWith('consumer-')));
  const first = await lookAt(watch, heartbeats);
  await pause(systemClock, seconds * 1_000);
  const last = await lookAt(watch, heartbeats);
  const totals = watch.totals();
  const saved = async () => (await ordersCollection(stack.mongo.db).estimatedDocumentCount()) - before;
  if ((await saved()) >= count)
    throw new Error(
      `all ${count} orders were saved before the measuring ended: the rate would not be that of ${consumers} consumers`,
    );
  await until(async () => (await saved()) >= count, signal);
  return {
    ...setUp,
    savedPerSecond: heartbeatRate(first, last),
    peakRssMiB: Math.max(...totals.map(({ peakRssMiB }) => peakRssMiB)),
    cpuSeconds: totals.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

async function lookAt(watch: ProcessWatch, heartbeats: () => Promise<ConsumerHeartbeat[]>) {
  const [seen] = await Promise.all([heartbeats(), watch.look()]);
  return seen;
}

async function until(holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`the pipeline did not come on for ${PATIENCE_MS / 1_000} s`);
    await pause(systemClock, LOOK_EVERY_MS);
  }
}
