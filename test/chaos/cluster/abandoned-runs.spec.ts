import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { machineProcesses } from '../../../dev/machine/process-table.js';
import { removeAbandonedRuns } from './abandoned-runs.js';

describe('what runs leave', () => {
  let temporary: string;

  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'abandoned-runs-'));
  });
  afterEach(async () => {
    await rm(temporary, { recursive: true });
  });

  async function made(name: string, lock: string | undefined): Promise<string> {
    const directory = join(temporary, name);
    await mkdir(directory);
    if (lock !== undefined) await writeFile(join(directory, 'stack.lock'), lock);
    return directory;
  }

  it('is removed of those that were killed, and of no others', async () => {
    const killed = await made('orders-chaos-a', JSON.stringify({ pid: process.pid, identity: 'of an earlier boot' }));
    const identity = machineProcesses.identityOf(process.pid);
    const running = await made('orders-chaos-b', JSON.stringify({ pid: process.pid, identity }));
    const kept = await made('orders-chaos-c', undefined);
    const another = await made('something-else', 'not a lock');
    const told: string[] = [];
    await removeAbandonedRuns(temporary, (line) => told.push(line));
    expect([killed, running, kept, another].map((directory) => existsSync(directory))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(told).toEqual([expect.stringContaining(killed)]);
  });
});
