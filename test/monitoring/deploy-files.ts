import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

export const PROMETHEUS_DIRECTORY = join(PROJECT_DIRECTORY, 'deploy', 'prometheus');

/** PromQL keywords that may occur in the place of a metric name. */
const WORDS = new Set('and or unless bool offset by without on ignoring group_left group_right'.split(' '));
const LABEL_LISTS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/g;

/** Returns the configuration for a stack of `npm start`, with the given data directory and intervals of 1 s. */
export async function configFor(dataDirectory: string): Promise<string> {
  let text = await readFile(join(PROMETHEUS_DIRECTORY, 'prometheus.local.yml'), 'utf8');
  for (const [from, to] of [
    ['../../.data/', `${dataDirectory}/`],
    ['[alerts.yml]', `[${join(PROMETHEUS_DIRECTORY, 'alerts.yml')}]`],
    ['scrape_interval: 5s', 'scrape_interval: 1s'],
    ['evaluation_interval: 5s', 'evaluation_interval: 1s'],
  ] as const) {
    if (!text.includes(from)) throw new Error(`prometheus.local.yml does not contain ${from}`);
    text = text.replace(from, to);
  }
  return text;
}

/** An expression of the dashboard and its panel. */
export interface PanelExpression {
  readonly panel: string;
  readonly expression: string;
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Returns all expressions of the dashboard, with Grafana's variables replaced. */
export async function dashboardExpressions(): Promise<PanelExpression[]> {
  const text = await readFile(join(PROJECT_DIRECTORY, 'deploy', 'grafana', 'orders-pipeline.json'), 'utf8');
  const { panels } = JSON.parse(text) as { panels: readonly Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ panel: title, expression: expr.replaceAll('$__rate_interval', '1m') })),
  );
}

/** Returns the metrics of the exporters that `deploy/README.md` names. */
export async function exporterMetrics(): Promise<ReadonlySet<string>> {
  const text = await readFile(join(PROMETHEUS_DIRECTORY, 'exporters.json'), 'utf8');
  const exporters = JSON.parse(text) as Readonly<Record<string, { readonly metrics: readonly string[] }>>;
  return new Set(Object.values(exporters).flatMap(({ metrics }) => metrics));
}

/** Returns the metric names in a PromQL expression. */
export function metricNames(expression: string): string[] {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '')
    .replaceAll(/\{[^{}]*\}/g, ' ')
    .replaceAll(/\[[^[\]]*\]/g, ' ')
    .replaceAll(LABEL_LISTS, ' ');
  // A name before a bracket is a function or an aggregation.
  const found = [...bare.matchAll(/(?<![\w:.$])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()/g)].map(([name]) => name);
  return [...new Set(found.filter((name) => !WORDS.has(name)))];
}
