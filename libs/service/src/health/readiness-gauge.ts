import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import { timeLimit } from '#orders/time-limit.js';

/** Far below the scrape time-out of Prometheus, 10 s. */
const TIMEOUT_MS = timeLimit(2_000);

/**
 * Exposes for each readiness check whether it passes. Every scrape runs all checks concurrently, as `/health/ready` does, and
 * waits at most `timeoutMs`. A hanging check counts as down and is not repeated before it has ended.
 */
export function exposeReadiness(
  checks: Readonly<Record<string, () => Promise<void>>>,
  registry: Registry,
  timeoutMs = TIMEOUT_MS,
): void {
  const hanging = new Set<string>();
  const tryOne = async (name: string, check: () => Promise<void>): Promise<boolean> => {
    if (hanging.has(name)) return false;
    hanging.add(name);
    const passes = check()
      .then(
        () => true,
        () => false,
      )
      .finally(() => hanging.delete(name));
    return within(timeoutMs, passes);
  };
  const gauge: Gauge<'check'> = new Gauge({
    name: 'service_ready',
    help: 'By readiness check: 1 if it passed during the scrape, 0 if it failed or took longer than 2 s',
    labelNames: ['check'],
    registers: [registry],
    collect: async () => {
      await Promise.all(
        Object.entries(checks).map(async ([name, check]) => {
          gauge.set({ check: name }, Number(await tryOne(name, check)));
        }),
      );
    },
  });
}

async function within(milliseconds: number, passes: Promise<boolean>): Promise<boolean> {
  const timer = new AbortController();
  const timeout = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([passes, timeout]);
  } finally {
    timer.abort();
  }
}
