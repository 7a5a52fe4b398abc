import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { exposeMemoryLimits, type Bounds } from './memory-limits.js';

const GIB = 1_024 ** 3;
const NONE: Bounds = { execArgv: ['--enable-source-maps'], constrainedBytes: 0, machineBytes: 8 * GIB };

async function told(bounds: Partial<Bounds>): Promise<string[]> {
  const registry = new Registry();
  exposeMemoryLimits({ ...NONE, ...bounds }, registry);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('the limits of memory', () => {
  it('are told as they are', async () => {
    expect(await told({ execArgv: ['--enable-source-maps', '--max-old-space-size=256'] })).toEqual([
      'nodejs_old_space_limit_bytes 268435456',
    ]);
    expect(await told({ constrainedBytes: GIB })).toEqual([`process_memory_limit_bytes ${GIB}`]);
  });

  it('are not told where there are none', async () => {
    expect(await told({})).toEqual([]);
    // What Linux says of a control group without one.
    expect(await told({ constrainedBytes: 2 ** 63 - 4_096 })).toEqual([]);
  });
});
