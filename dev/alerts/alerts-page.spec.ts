import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { alertsPage } from './alerts-page.js';

/** Returns rules with a recording rule and two alerts. */
function rulesWith({ summary = 'all is slow', steps = '1. Wait.' }: { summary?: string; steps?: string }): string {
  const alert = (name: string) => ({
    alert: name,
    expr: 'up\n  == 0\n',
    for: '5m',
    labels: { severity: 'critical' },
    annotations: { runbook_url: `docs/alerts.md#${name.toLowerCase()}`, summary, description: 'It is.', steps },
  });
  const groups = [
    { name: 'recorded', rules: [{ record: 'a:b:sum', expr: 'sum(b)' }] },
    { name: 'services', rules: [alert('ServiceDown'), alert('NoConsole')] },
  ];
  return JSON.stringify({ groups });
}

describe('the page of the alerts', () => {
  it('has each alert of the rules with its severity, meaning, condition and steps, and no recording rule', () => {
    const page = alertsPage(rulesWith({}));
    expect(page).toContain('- Services: [ServiceDown](#servicedown), [NoConsole](#noconsole)\n');
    expect(page).toContain(
      '\n### NoConsole\n\n`critical`: **all is slow.** It is.\n\nIt fires after 5m of `up == 0`.\n\n1. Wait.\n',
    );
    expect(page).not.toMatch(/recorded/i);
  });

  it('shows labels and values in capitals', () => {
    const summary = '{{ $labels.job }}: {{ $value }}, {{ $value | humanize }}, {{ $value | humanizePercentage }}';
    expect(alertsPage(rulesWith({ summary }))).toContain('**JOB: N, N, N %.**');
  });

  it('links to alerts and pages, except in code', () => {
    const steps = '1. NoConsole, docs/run.md#add-partitions, docs/scale.md, `NoConsole docs/scale.md`.';
    expect(alertsPage(rulesWith({ steps }))).toContain(
      '\n1. [NoConsole](#noconsole), [add partitions](run.md#add-partitions), [scale](scale.md), `NoConsole docs/scale.md`.\n',
    );
  });

  it('can not show another template', () => {
    expect(() => alertsPage(rulesWith({ steps: '1. {{ with $labels.job }}Wait.{{ end }}' }))).toThrow(
      'the template in',
    );
  });

  it('needs steps of each alert', () => {
    expect(() => alertsPage(rulesWith({}).replaceAll(/,"steps":"[^"]*"/g, ''))).toThrow('steps');
  });

  it('has no alert whose runbook_url leads elsewhere, or whose steps have no numbers', () => {
    const rules = readFileSync(join(PROJECT_DIRECTORY, 'deploy', 'prometheus', 'alerts.yml'), 'utf8');
    const alerts = rules.split('- alert: ').slice(1);
    expect(alerts.length).toBeGreaterThan(10);
    for (const alert of alerts) {
      const name = /^\w+/.exec(alert)?.[0] ?? '';
      expect(alert).toContain(`\n          runbook_url: docs/alerts.md#${name.toLowerCase()}\n`);
      expect(alert).toMatch(/\n {10}steps: \|-\n {12}1\. \S/);
    }
  });
});
