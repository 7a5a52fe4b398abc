import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { makeRunFolder, removeRunFolder } from '../../dev/servers/data-directory.js';
import { TestSystem } from '../support/test-system.js';
import { runApp, type Run } from '../support/started-app.js';

async function admin(stack: TestSystem, ...args: string[]): Promise<Run> {
  return runApp('admin', stack.credentials.settings('admin'), ...args);
}

it('the administrator of a secured stack, whose rights are those of the table, backs up and restores', async () => {
  const folder = await makeRunFolder('orders-secured-backup');
  const [data, backup] = [join(folder, 'data'), join(folder, 'backup')];
  let pipeline: TestSystem | undefined;
  const started = async (...flags: string[]): Promise<TestSystem> => {
    pipeline = await TestSystem.start({ dataDirectory: data, flags });
    return pipeline;
  };
  const stopped = async (): Promise<void> => {
    await pipeline?.stop();
    pipeline = undefined;
  };
  try {
    const before = await started('--save-ms', '0..5');
    const { id } = await before.populate({ count: 500 });
    await before.allSaved(id);
    const { code, stdout, stderr } = await admin(before, 'backup', backup);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('may not set');
    expect(await admin(before, 'restore', '--check', backup)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not empty'),
    });
    const later = await before.populate({ count: 200 });
    await before.allSaved(later.id);
    await stopped();
    await rm(join(data, 'mongodb'), { recursive: true });
    const restored = await admin(await started('--servers-only'), 'restore', backup);
    expect([restored.code, restored.stderr]).toEqual([1, '']);
    expect(restored.stdout).not.toContain('may not list');
    expect(restored.stdout).toContain(later.id);
    await stopped();
    const after = await started('--save-ms', '0..5');
    expect((await after.allSaved(later.id)).saved).toBe(200);
    expect(await after.db.collection('orders').countDocuments()).toBe(700);
  } finally {
    await stopped();
    await removeRunFolder(folder);
  }
});
