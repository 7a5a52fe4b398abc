import { execFile } from 'node:child_process';
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
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [script], { env: { ...process.env, ...settings } }, (error, _, text) =>
        resolve({ code: error?.code, stderr: text }),
      );
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^AUTH_ISSUER: must be set/);
  });
});
