import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';

describe('a service without authentication', () => {
  const services = ['producer', 'query-api', 'console', 'facade'];
  it.each(
    services.flatMap((app) => [
      { app, why: 'it listens on a non-loopback address', env: { LISTEN_HOST: '0.0.0.0' } },
      { app, why: 'it runs in production', env: { NODE_ENV: 'production' } },
    ]),
  )('($app) does not start when $why', async ({ app, env }) => {
    const script = join(PROJECT_DIRECTORY, 'dist/apps', app, 'src/main.js');
    // The facade also needs API keys, without which it would not come so far.
    const settings = { PORT: '0', LEGACY_CLIENTS_FILE: 'clients.json', ...env };
    const { code, stderr } = await run(script, settings);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^AUTH_ISSUER: must be set/);
  });
});

it('a consumer with profiles does not start when other machines reach it', async () => {
  const script = join(PROJECT_DIRECTORY, 'dist/apps/consumer/src/main.js');
  const folder = await mkdtemp(join(tmpdir(), 'orders-profiles-'));
  const { code, stderr } = await run(script, { PORT: '0', LISTEN_HOST: '0.0.0.0', PROFILE_DIR: folder });
  await rm(folder, { recursive: true });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^AUTH_ISSUER: must be set/);
});

it('the facade does not start in production with the public API key of the repository', async () => {
  const LEGACY_CLIENTS_FILE = join(PROJECT_DIRECTORY, 'deploy/legacy-clients.json');
  const { code, stderr } = await run(join(PROJECT_DIRECTORY, 'dist/apps/facade/src/main.js'), {
    PORT: '0',
    NODE_ENV: 'production',
    AUTH_ISSUER: 'https://issuer.example',
    FACADE_CLIENT_SECRET: 'secret',
    LEGACY_CLIENTS_FILE,
  });
  expect(code).toBe(1);
  expect(stderr).toContain(`${LEGACY_CLIENTS_FILE}: the client demo has the demo key, which is public`);
});

async function run(script: string, settings: NodeJS.ProcessEnv): Promise<{ code: unknown; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { env: { ...process.env, ...settings } }, (error, _, text) =>
      resolve({ code: error?.code, stderr: text }),
    );
  });
}
