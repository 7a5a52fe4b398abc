import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { exposeReadiness } from './readiness-gauge.js';

const SOON_MS = 5;

async function readyLines(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('service_ready{'));
}

describe('readiness metric', () => {
  it('reports which checks pass, and runs them each time', async () => {
    const registry = new Registry();
    let isAvailable = false;
    exposeReadiness(
      {
        mongodb: async () => undefined,
        kafka: async () => {
          if (!isAvailable) throw new Error('unavailable');
        },
      },
      registry,
    );
    expect(await readyLines(registry)).toEqual(['service_ready{check="mongodb"} 1', 'service_ready{check="kafka"} 0']);
    isAvailable = true;
    expect(await readyLines(registry)).toContain('service_ready{check="kafka"} 1');
  });

  it('does not wait for a hanging check, and repeats it only after it has ended', async () => {
    const registry = new Registry();
    const first = Promise.withResolvers<void>();
    let calls = 0;
    const check = async (): Promise<void> => {
      calls += 1;
      if (calls === 1) await first.promise;
    };
    exposeReadiness({ kafka: check }, registry, SOON_MS);
    for (let scrape = 0; scrape < 3; scrape += 1)
      expect(await readyLines(registry)).toEqual(['service_ready{check="kafka"} 0']);
    expect(calls).toBe(1);
    first.resolve();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(await readyLines(registry)).toEqual(['service_ready{check="kafka"} 1']);
    expect(calls).toBe(2);
  });
});
