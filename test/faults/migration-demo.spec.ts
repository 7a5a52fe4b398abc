import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

/** A small migration: the gate wants few samples, and no speed, which belongs in benchmarks. */
const SETTINGS = {
  GATE_MIN_SAMPLES: '20',
  GATE_P99_FLOOR_MS: '60000',
  GATE_MAX_ERROR_RATE: '0.1',
  ROLLBACK_MAX_ERROR_RATE: '0.9',
};

describe('npm run migration -- demo', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-demo-report-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('goes from off to complete with a bug and kills, loses nothing, and reports it', async () => {
    const flags = ['--bug', 'symbol-case', '--orders', '2000', '--rate', '20', '--report', folder];
    const demo = spawn(process.execPath, [join(PROJECT_DIRECTORY, 'dist/dev/migration.js'), 'demo', ...flags], {
      cwd: PROJECT_DIRECTORY,
      env: { ...process.env, ...SETTINGS },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const [code] = (await once(demo, 'exit')) as [number | null];
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    const report = await readFile(join(folder, 'report.md'), 'utf8');
    expect(report).toContain('# Migration demo: all checks passed');
    expect(report).toMatch(/\| bug symbol-case caught in shadow \| in symbol \| passed \|/);
    expect(report).toMatch(/\| \d+\.\d \| writes to complete \|/);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<h1>Migration demo: all checks passed</h1>');
  });
});
