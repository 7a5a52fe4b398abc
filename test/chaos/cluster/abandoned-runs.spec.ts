import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { machineProcesses } from '../../../dev/machine/process-table.js';
import { removeAbandonedRuns } from './abandoned-runs.js';

describe('data of earlier runs', () => {
  let temporary: string;

  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'abandoned-runs-'));
  });
  afterEach(async () => {
    await rm(temporary, { recursive: true });
  });

  async function makeRun(name: string, lock: string | undefined): Promise<string> {
    const directory = join(temporary, name);
    await mkdir(directory);
    if (lock !== undefined) await writeFile(join(directory, 'stack.lock'), lock);
    return directory;
  }

  it('are removed for killed runs only', async () => {
    const killed = await makeRun(
      'orders-chaos-a',
      JSON.stringify({ pid: process.pid, identity: 'of an earlier boot' }),
    );
    const identity = machineProcesses.identityOf(process.pid);
    const running = await makeRun('orders-chaos-b', JSON.stringify({ pid: process.pid, identity }));
    const kept = await makeRun('orders-chaos-c', undefined);
    const another = await makeRun('something-else', 'not a lock');
    const printed: string[] = [];
    await removeAbandonedRuns(temporary, (line) => printed.push(line));
    expect([killed, running, kept, another].map((directory) => existsSync(directory))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(printed).toEqual([expect.stringContaining(killed)]);
  });
});
