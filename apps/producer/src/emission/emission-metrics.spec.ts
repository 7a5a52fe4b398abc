import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { measureTopic, exposeEmission } from './emission-metrics.js';
import type { EmissionState } from './emission-job.js';

async function value(registry: Registry, name: string): Promise<number | undefined> {
  const found = (await registry.metrics()).split('\n').find((line) => line.startsWith(`${name} `));
  return found === undefined ? undefined : Number(found.slice(name.length + 1));
}

describe('emission metrics', () => {
  it('count sent and acknowledged records separately, starting at 0', async () => {
    const registry = new Registry();
    const observer = measureTopic(registry);
    expect(await value(registry, 'producer_records_acknowledged_total')).toBe(0);
    observer.sent?.(1_000);
    observer.sent?.(1_000);
    observer.acknowledged?.(1_000, 25);
    expect(await value(registry, 'producer_records_sent_total')).toBe(2_000);
    expect(await value(registry, 'producer_records_acknowledged_total')).toBe(1_000);
    expect(await value(registry, 'producer_acknowledge_duration_seconds_sum')).toBe(0.025);
  });

  it.each<[EmissionState, running: number, waiting: number]>([
    ['idle', 0, 0],
    ['emitting', 1, 0],
    ['waiting', 1, 1],
  ])('report a producer that is %s', async (state, running, waiting) => {
    const registry = new Registry();
    exposeEmission({ state }, 5_000, registry);
    expect(await value(registry, 'producer_emissions_running')).toBe(running);
    expect(await value(registry, 'producer_waiting_for_consumers')).toBe(waiting);
    expect(await value(registry, 'producer_lag_ceiling_records')).toBe(5_000);
  });
});
