import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { exposeMemoryLimits, type Bounds } from './memory-limits.js';

const GIB = 1_024 ** 3;
const NONE: Bounds = { execArgv: ['--enable-source-maps'], constrainedBytes: 0, machineBytes: 8 * GIB };

async function samples(bounds: Partial<Bounds>): Promise<string[]> {
  const registry = new Registry();
  exposeMemoryLimits({ ...NONE, ...bounds }, registry);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('memory limits', () => {
  it('are exposed', async () => {
    expect(await samples({ execArgv: ['--enable-source-maps', '--max-old-space-size=256'] })).toEqual([
      'nodejs_old_space_limit_bytes 268435456',
    ]);
    expect(await samples({ constrainedBytes: GIB })).toEqual([`process_memory_limit_bytes ${GIB}`]);
  });

  it('are not exposed if there are none', async () => {
    expect(await samples({})).toEqual([]);
    // The value that Linux reports for a control group without a limit.
    expect(await samples({ constrainedBytes: 2 ** 63 - 4_096 })).toEqual([]);
  });
});
