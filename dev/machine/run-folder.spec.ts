import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeRunFolder } from './run-folder.js';

describe('the folder of a run', () => {
  let parent: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'orders-test-'));
  });

  afterEach(async () => {
    await rm(parent, { recursive: true, force: true });
  });

  it('replaces the folders of killed runs, and no others', async () => {
    const [killed, running, other] = ['orders-compare-11-abc', 'orders-compare-22-abc', 'orders-test-11-abc'].map(
      (name) => join(parent, name),
    ) as [string, string, string];
    for (const folder of [killed, running, other]) await mkdir(join(folder, 'data'), { recursive: true });
    const processes = { identityOf: (pid: number) => (pid === 22 ? 'it runs' : undefined) };
    const own = await makeRunFolder('orders-compare', parent, processes);
    expect([killed, running, other, own].map((folder) => existsSync(folder))).toEqual([false, true, true, true]);
  });
});
