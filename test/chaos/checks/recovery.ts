import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import { isReady } from '../cluster/is-ready.js';
import type { SavedNumbers } from './saved-numbers.js';

const POLL_INTERVAL_MS = 200;
/** Longer than the limit: the next fault should begin on a healthy cluster, whatever went wrong. */
const TIMEOUT_MS = 180_000;

/** Time from the end of a fault until the cluster works as before, in milliseconds; or what was still missing at the timeout. */
export type Recovery =
  | { readonly afterMs: number }
  | { readonly missing: readonly string[]; readonly withinMs: number };

export interface Progress {
  /** Acknowledged orders as of the last successful poll, and when that poll began, by `performance.now()`. */
  readonly lastAcked: { readonly orders: number; readonly polledAt: number } | undefined;
  readonly saved: SavedNumbers;
  /** Whether the load has ended; then no progress is required. */
  isComplete(): boolean;
}

/**
 * Waits until the cluster does all its work again: every app is ready, Kafka acknowledges new orders, and on every partition more orders
 * are saved than at the end of the fault.
 * @param enough ends the wait
 */
export async function waitForRecovery(
  cluster: Cluster,
  progress: Progress,
  enough: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<Recovery> {
  const endedAt = performance.now();
  const since = (): number => Math.round(performance.now() - endedAt);
  let ackedBefore: number | undefined;
  const savedBefore = [...progress.saved.byPartition];
  for (;;) {
    const { lastAcked } = progress;
    // A poll that began before the end of the fault may return an older count.
    if (lastAcked !== undefined && lastAcked.polledAt > endedAt) ackedBefore ??= lastAcked.orders;
    const missing = [...(await listUnready(cluster)), ...listStalled(progress, ackedBefore, savedBefore)];
    if (missing.length === 0 || enough.aborted) return { afterMs: since() };
    if (since() > timeoutMs) return { missing, withinMs: since() };
    await delay(POLL_INTERVAL_MS);
  }
}

/** Lists the apps that are missing or not ready. */
export async function listUnready({ apps }: Cluster): Promise<string[]> {
  const ready = await Promise.all(
    apps.all.map(async ({ name, url }) => ({ name, isReady: url !== undefined && (await isReady(url)) })),
  );
  const consumers = apps.all.filter(({ job }) => job === 'consumer').length;
  return [
    ...(consumers === apps.wantedConsumers ? [] : [`${consumers} consumers run`]),
    ...ready.filter((app) => !app.isReady).map(({ name }) => `${name} is not ready`),
  ];
}

function listStalled(progress: Progress, ackedBefore: number | undefined, savedBefore: readonly number[]): string[] {
  if (progress.isComplete()) return [];
  const acked = progress.lastAcked?.orders ?? 0;
  const stalled = progress.saved.byPartition.flatMap((saved, partition) =>
    saved > (savedBefore[partition] ?? 0) ? [] : [`no new orders of partition ${partition} are saved`],
  );
  return [...(acked > (ackedBefore ?? Infinity) ? [] : ['no new orders are acknowledged']), ...stalled];
}
