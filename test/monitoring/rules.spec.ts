import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { PROMETHEUS_DIRECTORY } from './deploy-files.js';
import { metricNames } from './metric-names.js';
import { prometheusParts, type PrometheusParts } from './prometheus-parts.js';
import { runCommand } from './run-command.js';

describe('promtool', () => {
  let parts: PrometheusParts;

  beforeAll(async () => {
    parts = await prometheusParts();
  });

  it.each([
    ['accepts the configuration for Compose', ['check', 'config', 'prometheus.yml']],
    ['accepts the configuration for npm start', ['check', 'config', 'prometheus.local.yml']],
    ['reports no problem with the rules', ['check', 'rules', '--lint-fatal', 'alerts.yml']],
    ['sees each alert fire in its test case, and none on a healthy pipeline', ['test', 'rules', 'alerts.test.yml']],
  ])('%s', async (_what, [first = '', second = '', ...args]) => {
    const files = args.map((each) => (each.endsWith('.yml') ? join(PROMETHEUS_DIRECTORY, each) : each));
    const { code, output } = await runCommand(parts.promtool, [first, second, ...files]);
    expect(`${code}\n${output}`).toMatch(/^0\n/);
    expect(output).toContain('SUCCESS');
  });

  it('has a test case for each alert', async () => {
    const rules = await readFile(join(PROMETHEUS_DIRECTORY, 'alerts.yml'), 'utf8');
    const tests = await readFile(join(PROMETHEUS_DIRECTORY, 'alerts.test.yml'), 'utf8');
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.filter((name) => !tests.includes(`alertname="${name}"`))).toEqual([]);
  });

  it('has the severity, summary and description of every alert', async () => {
    const rules = await readFile(join(PROMETHEUS_DIRECTORY, 'alerts.yml'), 'utf8');
    for (const rule of rules.split(/- alert: /).slice(1)) {
      expect(rule).toMatch(/\n +for: \d+[mhd]\n/);
      expect(rule).toMatch(/\{ severity: (critical|warning|info) \}/);
      expect(rule).toMatch(/\n +summary: \S/);
      expect(rule).toMatch(/\n +description: \S/);
    }
  });

  it('has a runbook for each alert, with what to check afterwards, and none without an alert', async () => {
    const rules = await readFile(join(PROMETHEUS_DIRECTORY, 'alerts.yml'), 'utf8');
    const linked = [...rules.matchAll(/- alert: (\w+)\n[^]*?runbook_url: docs\/runbooks\.md#(\w+)\n/g)];
    expect(linked.map(([, alert]) => alert)).toEqual([...rules.matchAll(/- alert: (\w+)/g)].map(([, alert]) => alert));
    expect(linked.filter(([, alert = '', anchor]) => alert.toLowerCase() !== anchor)).toEqual([]);
    const text = await readFile(join(PROJECT_DIRECTORY, 'docs', 'runbooks.md'), 'utf8');
    const runbooks = text.split(/^### /m).slice(1);
    const names = runbooks.map((runbook) => /^\w+/.exec(runbook)?.[0]);
    expect(new Set(names)).toEqual(new Set(linked.map(([, alert]) => alert)));
    expect(names).toHaveLength(linked.length);
    for (const runbook of runbooks) expect(runbook).toMatch(/`[^`]+`[^]*\nAfterwards: \S/);
  });
});

describe('metric names', () => {
  it.each([
    ['sum by (job, le) (rate(a_total{b="c_total{}"}[$__rate_interval]))', ['a_total']],
    ['a_bytes / on (job, instance) b_bytes > 0.85', ['a_bytes', 'b_bytes']],
    ['level:a:sum > 0 unless sum(rate(b_total[5m])) > 0', ['level:a:sum', 'b_total']],
    [
      'histogram_quantile(0.99, sum(rate(a_bucket{x!~"new.*|old"}[1m])) without (le)) or absent(up == 1)',
      ['a_bucket', 'up'],
    ],
    ['deriv(a[10m:1m] offset 5m) > bool 1e5', ['a']],
  ])('are found in %s', (expression, names) => {
    expect(metricNames(expression)).toEqual(names);
  });
});
