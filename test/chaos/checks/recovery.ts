import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import { isReady } from '../cluster/is-ready.js';
import type { SavedNumbers } from './saved-numbers.js';

const LOOK_EVERY_MS = 200;
/** Longer than the limit: whatever it was, what comes next should meet a cluster that is well. */
const PATIENCE_MS = 180_000;

/** From the end of a fault until everything is as it was before, in milliseconds; or what was still missing when patience ended. */
export type Recovery =
  { readonly afterMs: number } | { readonly missing: readonly string[]; readonly withinMs: number };

export interface Progress {
  /** Orders that Kafka has acknowledged, as of the last look that was answered, and when that look began; by `performance.now()`. */
  readonly lastAcked: { readonly orders: number; readonly askedAt: number } | undefined;
  readonly saved: SavedNumbers;
  /** Nothing more will come: then nothing has to. */
  isComplete(): boolean;
}

/**
 * Waits until the cluster does all its work again: every app is ready, new orders are acknowledged, and on every partition some are saved that
 * were not when the fault had ended.
 */
export async function recovery(cluster: Cluster, progress: Progress, patienceMs = PATIENCE_MS): Promise<Recovery> {
  const endedAt = performance.now();
  const since = (): number => Math.round(performance.now() - endedAt);
  let ackedBefore: number | undefined;
  const savedBefore = [...progress.saved.byPartition];
  for (;;) {
    const { lastAcked } = progress;
    // A look that began before may tell of what was acknowledged before.
    if (lastAcked !== undefined && lastAcked.askedAt > endedAt) ackedBefore ??= lastAcked.orders;
    const missing = [...(await unready(cluster)), ...unmoved(progress, ackedBefore, savedBefore)];
    if (missing.length === 0) return { afterMs: since() };
    if (since() > patienceMs) return { missing, withinMs: since() };
    await delay(LOOK_EVERY_MS);
  }
}

/** What doesn't answer that it is ready. */
export async function unready({ apps }: Cluster): Promise<string[]> {
  const ready = await Promise.all(
    apps.all.map(async ({ name, url }) => ({ name, isReady: url !== undefined && (await isReady(url)) })),
  );
  const consumers = apps.all.filter(({ job }) => job === 'consumer').length;
  return [
    ...(consumers === apps.wantedConsumers ? [] : [`there are ${consumers} consumers`]),
    ...ready.filter((app) => !app.isReady).map(({ name }) => `${name} is not ready`),
  ];
}

function unmoved(progress: Progress, ackedBefore: number | undefined, savedBefore: readonly number[]): string[] {
  if (progress.isComplete()) return [];
  const acked = progress.lastAcked?.orders ?? 0;
  const stalled = progress.saved.byPartition.flatMap((saved, partition) =>
    saved > (savedBefore[partition] ?? 0) ? [] : [`nothing new of partition ${partition} is saved`],
  );
  return [...(acked > (ackedBefore ?? Infinity) ? [] : ['nothing new is acknowledged']), ...stalled];
}
