import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ORDERS_SUBJECT } from '#orders/topics/topics.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';

/** Runs an app until it exits. */
async function run(app: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(PROJECT_DIRECTORY, `dist/apps/${app}/src/main.js`)], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => void child.once('exit', resolve));
  return { code, output };
}

describe('a registry with an incompatible schema', () => {
  let servers: TemporaryStack;

  beforeAll(async () => {
    servers = await TemporaryStack.start({ tool: 'orders-schema', flags: ['--servers-only'] });
    const other = { type: 'record', name: 'Order', namespace: 'orders.v1', fields: [{ name: 'id', type: 'int' }] };
    const response = await fetch(`${servers.addresses.SCHEMA_REGISTRY_URL}/subjects/${ORDERS_SUBJECT}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: JSON.stringify(other) }),
    });
    if (!response.ok) throw new Error(`the registry answered ${response.status}`);
  });

  afterAll(async () => {
    await servers.stop();
  });

  it.each(['producer', 'consumer'])('prevents the start of the %s, with a message that names a remedy', async (app) => {
    const { code, output } = await run(app, servers.addresses);
    expect(code).toBe(1);
    expect(output).toContain(`The schema registry rejects this version's schema for "${ORDERS_SUBJECT}"`);
    expect(output).toContain('BACKWARD');
    expect(output).not.toMatch(/\n\s+at /);
  });

  it('is not the only obstacle: an unexpected Kafka cluster prevents the start too', async () => {
    const { code, output } = await run('producer', { ...servers.addresses, KAFKA_CLUSTER_ID: 'another-cluster' });
    expect(code).toBe(1);
    expect(output).toMatch(/This Kafka is cluster .+, not another-cluster/);
  });
});
