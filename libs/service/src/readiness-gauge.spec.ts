import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { exposeReadiness } from './readiness-gauge.js';

const SOON_MS = 5;

async function readyLines(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('service_ready{'));
}

describe('the metric of readiness', () => {
  it('tells which check passes and which does not, anew each time', async () => {
    const registry = new Registry();
    let isThere = false;
    exposeReadiness(
      {
        mongodb: async () => undefined,
        kafka: async () => {
          if (!isThere) throw new Error('away');
        },
      },
      registry,
    );
    expect(await readyLines(registry)).toEqual(['service_ready{check="mongodb"} 1', 'service_ready{check="kafka"} 0']);
    isThere = true;
    expect(await readyLines(registry)).toContain('service_ready{check="kafka"} 1');
  });

  it('waits for no check that hangs, and asks it again only once it has ended', async () => {
    const registry = new Registry();
    const first = Promise.withResolvers<void>();
    let asked = 0;
    const check = async (): Promise<void> => {
      asked += 1;
      if (asked === 1) await first.promise;
    };
    exposeReadiness({ kafka: check }, registry, SOON_MS);
    for (let ask = 0; ask < 3; ask += 1) expect(await readyLines(registry)).toEqual(['service_ready{check="kafka"} 0']);
    expect(asked).toBe(1);
    first.resolve();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(await readyLines(registry)).toEqual(['service_ready{check="kafka"} 1']);
    expect(asked).toBe(2);
  });
});
