import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, delimiter } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { existsSync } from 'node:fs';
import { installPart } from '../../dev/parts/parts.js';
import { aptUnpack, provideTestPart } from '../support/fetched-programs.js';
import { fetchLimit, eventually } from '../support/eventually.js';
import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { systemClock } from '@orders-pipeline/clock';
import { freePort } from '../../dev/machine/ports.js';

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
interface PanelExpression {
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

/** Returns the metrics of the exporters in `exporters.json`. */
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

/** Paths of the commands. */
export interface PrometheusParts {
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * Finds a real Prometheus with its promtool: in PROMETHEUS_DIR, on the PATH, or Debian's package, which is unpacked into the cache. The
 * package is not installed, since that would start a service.
 */
export async function prometheusParts(): Promise<PrometheusParts> {
  const places = [process.env['PROMETHEUS_DIR'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter)];
  const found = places
    .filter((directory) => directory !== '')
    .map(partsIn)
    .find(({ prometheus, promtool }) => existsSync(prometheus) && existsSync(promtool));
  if (found !== undefined) return found;
  const unpacked = await provideTestPart('prometheus-debian', async (part) =>
    installPart(part, async (directory) => aptUnpack('prometheus', directory, fetchLimit())),
  );
  return partsIn(join(unpacked, 'usr/bin'));
}

function partsIn(directory: string): PrometheusParts {
  return { prometheus: join(directory, 'prometheus'), promtool: join(directory, 'promtool') };
}

/** One series of the result of an expression. */
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A rule as Prometheus has parsed it. */
interface Rule {
  readonly type: 'alerting' | 'recording';
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
}

/** A real Prometheus on a free loopback port, with its own data directory. */
export class RunningPrometheus {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
    private readonly directory: string,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => {
      this.output += chunk.toString();
    });
  }

  /** Starts Prometheus and waits until it is ready. @param config the content of its prometheus.yml */
  static async start(command: string, config: string): Promise<RunningPrometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'orders-prometheus-'));
    const [file, port] = [join(directory, 'prometheus.yml'), await freePort()];
    await writeFile(file, config);
    const data = join(directory, 'data');
    const args = [`--config.file=${file}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`];
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const prometheus = new RunningPrometheus(child, `http://127.0.0.1:${port}`, directory);
    await eventually('Prometheus is ready', async () => prometheus.isReady()).catch(async (error: unknown) => {
      await prometheus.stop();
      throw new Error(`${String(error)}\n${prometheus.output}`, { cause: error });
    });
    return prometheus;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => void this.child.once('exit', resolve));
      this.child.kill('SIGTERM');
      await ended;
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Evaluates an expression now. @throws Error if Prometheus rejects it */
  async query(expression: string): Promise<readonly Series[]> {
    const { result } = await this.request<{ result: Series[] }>('query', { query: expression });
    return result;
  }

  /** Counts the series of an expression over the last 5 minutes, as a panel draws them. @throws Error if Prometheus rejects it */
  async countSeries(expression: string): Promise<number> {
    const end = systemClock.now() / 1_000;
    const parameters = { query: expression, start: String(end - 300), end: String(end), step: '1' };
    const { result } = await this.request<{ result: unknown[] }>('query_range', parameters);
    return result.length;
  }

  /** The value of the first series of an expression; `undefined` if there is no series. */
  async value(expression: string): Promise<number | undefined> {
    const [series] = await this.query(expression);
    return series && Number(series.value[1]);
  }

  /** Names of all stored metrics. */
  async names(): Promise<ReadonlySet<string>> {
    return new Set(await this.request<string[]>('label/__name__/values'));
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.request<{ groups: { rules: Rule[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  /** Job, instance and health of each scrape target, such as `consumer consumer-1 up`. */
  async targets(): Promise<string[]> {
    const { activeTargets } = await this.request<{
      activeTargets: { labels: Record<string, string>; health: string }[];
    }>('targets');
    return activeTargets.map(({ labels, health }) => `${labels['job']} ${labels['instance']} ${health}`).toSorted();
  }

  private async isReady(): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error(`Prometheus ended with ${this.child.exitCode}:\n${this.output}`);
    return fetch(`${this.url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  private async request<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`Prometheus rejects ${JSON.stringify(parameters)}: ${error}`);
    return data;
  }
}
