import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { PROMETHEUS_DIRECTORY, prometheusParts, type PrometheusParts } from './running-prometheus.js';

describe('the alerts', () => {
  let parts: PrometheusParts;
  let rules: string;

  beforeAll(async () => {
    parts = await prometheusParts();
    rules = await readFile(join(PROMETHEUS_DIRECTORY, 'alerts.yml'), 'utf8');
  });

  it.each([
    ['have a valid configuration for Compose', ['check', 'config', 'prometheus.yml']],
    ['have a valid configuration for npm start', ['check', 'config', 'prometheus.local.yml']],
    ['are rules without a problem', ['check', 'rules', '--lint-fatal', 'alerts.yml']],
    ['fire each in its test case, and none on a healthy pipeline', ['test', 'rules', 'alerts.test.yml']],
  ])('%s', (_what, [first = '', second = '', ...args]) => {
    const files = args.map((each) => (each.endsWith('.yml') ? join(PROMETHEUS_DIRECTORY, each) : each));
    const { status, stdout, stderr } = spawnSync(parts.promtool, [first, second, ...files], { encoding: 'utf8' });
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('have a test case each', async () => {
    const tests = await readFile(join(PROMETHEUS_DIRECTORY, 'alerts.test.yml'), 'utf8');
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.filter((name) => !tests.includes(`alertname="${name}"`))).toEqual([]);
  });

  it('have a severity, a summary, a description and steps', () => {
    for (const rule of rules.split(/- alert: /).slice(1)) {
      expect(rule).toMatch(/\n +for: \d+[mhd]\n/);
      expect(rule).toMatch(/\{ severity: (critical|warning|info) \}/);
      expect(rule).toMatch(/\n +summary: \S/);
      expect(rule).toMatch(/\n +description: \S/);
      expect(rule).toMatch(/\n +steps: \S/);
    }
  });
});
