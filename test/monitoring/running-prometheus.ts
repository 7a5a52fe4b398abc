import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@orders-pipeline/clock';
import { freePort } from '../../dev/machine/ports.js';
import { eventually } from '../support/eventually.js';

/** One series of the result of an expression. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A rule as Prometheus has parsed it. */
export interface Rule {
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
