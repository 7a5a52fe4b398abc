import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { readLastLines, LogFile } from '../servers/log-file.js';
import type { ConsoleRequest } from './console-requests.js';

/** A message to the console: the comparison's own message, unchanged, or how it ended if it couldn't report that itself. */
export type ComparisonEvent =
  | { readonly type: 'comparison'; readonly comparison: unknown }
  | { readonly type: 'comparison-ended'; readonly error: { readonly code: string; readonly message: string } };

export type ComparisonRequest = Omit<Extract<ConsoleRequest, { type: 'compare' }>, 'type'>;

export interface ComparisonRunParts {
  /** The data folder of the stack, for charts and log. */
  readonly dataDirectory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly print: (line: string) => void;
  readonly send: (event: ComparisonEvent) => void;
  /** Starts the process. Default: `npm run compare` in a separate process. */
  readonly launch?: (flags: readonly string[], env: NodeJS.ProcessEnv) => ChildProcess;
}

/** The comparison that runs beside a stack, on its own servers and data: one at a time. */
export class ComparisonRun {
  private child: ChildProcess | undefined;
  private running: Promise<void> = Promise.resolve();
  private latest: ComparisonEvent | undefined;
  /** True from the request until the comparison has reported its end. */
  private isBusy = false;
  private isStopRequested = false;
  private isClosed = false;

  constructor(private readonly parts: ComparisonRunParts) {}

  /** Starts a comparison. If one is running, sends its state again instead. */
  start(request: ComparisonRequest): void {
    if (this.isClosed) return;
    if (this.isBusy) {
      this.sendLatest();
      return;
    }
    this.isBusy = true;
    this.isStopRequested = false;
    this.latest = undefined;
    // The process of a comparison that has reported its end may still be ending.
    this.running = this.running.then(async () => this.run(request));
  }

  /** Requests the end of the comparison, if one runs; its results so far remain. */
  stop(): void {
    // Sends the signal only once: a third one would make it exit at once and leave its data.
    if (!this.isStopRequested) this.child?.kill('SIGTERM');
    this.isStopRequested = true;
  }

  /** Sends the latest event again. */
  sendLatest(): void {
    if (this.latest !== undefined) this.parts.send(this.latest);
  }

  /** Ends it for good, and kills it after `budgetMs`: its servers then end by themselves. */
  async close(budgetMs: number): Promise<void> {
    this.isClosed = true;
    this.stop();
    const killer = setTimeout(() => this.kill(), budgetMs);
    await this.running;
    clearTimeout(killer);
  }

  kill(): void {
    this.child?.kill('SIGKILL');
  }

  private async run({ orders, saveMs, full }: ComparisonRequest): Promise<void> {
    if (this.isStopRequested) {
      this.endedWithoutReport('before it began');
      return;
    }
    const { dataDirectory, env, print, launch = launchCompare } = this.parts;
    const logFile = join(dataDirectory, 'logs', 'compare.log');
    const log = new LogFile(logFile);
    const out = join(dataDirectory, 'compare');
    const flags = ['--orders', String(orders), '--save-ms', saveMs, '--out', out, ...(full ? ['--full'] : [])];
    print('a comparison runs beside the stack, on its own servers');
    const child = launch(flags, env);
    this.child = child;
    let hasReportedEnd = false;
    child.on('message', (message) => {
      if (!isComparison(message)) return;
      hasReportedEnd = message.comparison.state !== 'running';
      this.isBusy = !hasReportedEnd;
      this.send(message);
    });
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => log.write(line));
    const ending = await endingOf(child);
    log.close();
    this.child = undefined;
    print(`the comparison has ended (${ending})`);
    if (!hasReportedEnd) this.endedWithoutReport(ending, readLastLines(logFile));
  }

  private endedWithoutReport(how: string, lastLines = ''): void {
    this.isBusy = false;
    const log = lastLines === '' ? '' : `. The last lines of its log:\n${lastLines}`;
    const [code, what] = this.isStopRequested
      ? ['interrupted', 'was stopped']
      : ['comparison-ended', 'ended by itself'];
    this.send({ type: 'comparison-ended', error: { code, message: `The comparison ${what}: ${how}${log}` } });
  }

  private send(event: ComparisonEvent): void {
    this.latest = event;
    this.parts.send(event);
  }
}

/** Detached: Ctrl-C in the terminal must reach only the supervisor. The channel closes when the supervisor dies. */
function launchCompare(flags: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const script = join(PROJECT_DIRECTORY, 'dist', 'dev', 'compare.js');
  return spawn(process.execPath, [script, ...flags], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
}

/** Resolves after the last message and the last line of output. */
async function endingOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return String(error);
  }
}

function isComparison(message: unknown): message is { type: 'comparison'; comparison: { state: unknown } } {
  if (typeof message !== 'object' || message === null || !('type' in message) || !('comparison' in message))
    return false;
  const { type, comparison } = message;
  return type === 'comparison' && typeof comparison === 'object' && comparison !== null && 'state' in comparison;
}
