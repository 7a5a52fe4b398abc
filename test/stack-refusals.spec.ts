import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../dev/machine/ports.js';
import { RunningStack } from './support/running-stack.js';

describe('npm start that fails', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-stack-'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('names a port in use and the setting that changes it, and starts nothing', async () => {
    const port = await freePort();
    const holder = createServer().listen(port, '127.0.0.1');
    const { code, output } = await RunningStack.fail({ dataDirectory: folder, env: { MONGODB_PORT: String(port) } });
    holder.close();
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port}, for MongoDB, is in use by node (pid ${process.pid}).`);
    expect(output).toMatch(/MONGODB_PORT=\d+ npm start/);
    expect(output).not.toContain('serves');
  });

  it('names a missing package client and the alternatives', async () => {
    const env = { PATH: join(folder, 'no-programs'), ORDERS_CACHE_DIR: join(folder, 'empty-cache'), JAVA_HOME: '' };
    const { code, output } = await RunningStack.fail({ dataDirectory: folder, env });
    expect(code).toBe(1);
    expect(output).toContain('there is no mvn on the PATH');
    for (const way of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'MONGODB_URI', 'docker compose up'])
      expect(output).toContain(way);
  });
});
