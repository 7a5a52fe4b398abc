import { consumersCollection, GONE_AFTER_MS } from '#orders/consumer/consumer-heartbeat.js';
import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { areSettled } from '../../compare/settled-consumers.js';
import { CONSUMERS } from '../demo-stack.js';
import type { DemoContext } from './demo-context.js';
import { waitUntil } from './wait-until.js';

const WITHIN_MS = 60_000;
const ANSWER_MS = 2_000;

/** Waits until an app reports that it is ready. */
export async function untilReady({ signal }: DemoContext, url: string): Promise<void> {
  await waitUntil(`${url} is ready`, WITHIN_MS, signal, async () =>
    (await textAt(`${url}/health/ready`)) === undefined ? undefined : true,
  );
}

/** Waits until the consumers share all partitions again, by heartbeats that are newer than a kill. */
export async function untilConsumersShare({ stack, signal }: DemoContext, killedPid: number): Promise<void> {
  const { mongo } = stack;
  await waitUntil('the consumers share the partitions', WITHIN_MS, signal, async () => {
    const alive = new Date(mongo.time.now().getTime() - GONE_AFTER_MS);
    const heartbeats = await consumersCollection(mongo.db)
      .find({ at: { $gt: alive }, pid: { $ne: killedPid } })
      .toArray();
    return areSettled(heartbeats, CONSUMERS, DEFAULT_PARTITIONS) ? true : undefined;
  });
}

/** Waits until no circuit breaker of a facade keeps requests from a side. */
export async function untilBreakersClosed({ stack, signal }: DemoContext, side: 'legacy' | 'new'): Promise<void> {
  const open = new RegExp(`^facade_breaker_open\\{[^}]*side="${side}"[^}]*\\} 1$`, 'm');
  await waitUntil('the circuit breakers are closed', WITHIN_MS, signal, async () => {
    const metrics = await Promise.all(stack.facadeUrls.map(async (url) => textAt(`${url}/metrics`)));
    return metrics.some((text) => text === undefined || open.test(text)) ? undefined : true;
  });
}

/** Waits until all open writes were admitted after this call. */
export async function untilOlderWritesAreFinal({ api, signal }: DemoContext): Promise<void> {
  const asked = Date.now();
  await waitUntil('writes are on both sides again', WITHIN_MS, signal, async () => {
    const { items } = await api.pending();
    const oldestMs = Math.max(0, ...items.map(({ ageMs }) => ageMs));
    return items.length === 0 || oldestMs < Date.now() - asked ? true : undefined;
  });
}

/** @returns `undefined` without a good answer: the app may be starting */
async function textAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await response.text();
    return response.ok ? text : undefined;
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return undefined;
    throw error;
  }
}
