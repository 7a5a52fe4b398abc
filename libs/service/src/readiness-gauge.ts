import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';

/** Far below the time in which Prometheus wants its answer, 10 s. */
const PATIENCE_MS = 2_000;

/**
 * Tells for each check of readiness whether it passes: all are really tried whenever the registry is asked, as for `/health/ready`, and
 * waited for together, `patienceMs` at the most. One that hangs is down, and isn't tried again before it has ended.
 */
export function exposeReadiness(
  checks: Readonly<Record<string, () => Promise<void>>>,
  registry: Registry,
  patienceMs = PATIENCE_MS,
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
    return within(patienceMs, passes);
  };
  const gauge: Gauge<'check'> = new Gauge({
    name: 'service_ready',
    help: 'By check of readiness: 1 it passed when this was asked, 0 it failed, or had no answer within two seconds',
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
  const patience = new AbortController();
  const late = sleep(milliseconds, false, { signal: patience.signal }).catch(() => false);
  try {
    return await Promise.race([passes, late]);
  } finally {
    patience.abort();
  }
}
