import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { lastLinesOf, LogFile } from '../servers/log-file.js';
import type { ConsoleRequest } from './console-requests.js';

/** What is told to the console: what the comparison itself says, as it is, and how it ended when it couldn't say so. */
export type ComparisonNews =
  | { readonly type: 'comparison'; readonly comparison: unknown }
  | { readonly type: 'comparison-ended'; readonly error: { readonly code: string; readonly message: string } };

export type ComparisonRequest = Omit<Extract<ConsoleRequest, { type: 'compare' }>, 'type'>;

export interface ComparisonRunParts {
  /** The stack's: charts and log go there. */
  readonly dataDirectory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly print: (line: string) => void;
  readonly tell: (news: ComparisonNews) => void;
  /** Starts the program. Default: `npm run compare`'s, in a process of its own. */
  readonly launch?: (flags: readonly string[], env: NodeJS.ProcessEnv) => ChildProcess;
}

/** The comparison that runs beside a stack, on servers and data of its own: one at a time. */
export class ComparisonRun {
  private child: ChildProcess | undefined;
  private running: Promise<void> = Promise.resolve();
  private latest: ComparisonNews | undefined;
  /** From when one is asked for until it has told its end. */
  private isBusy = false;
  private isUnwanted = false;
  private isClosed = false;

  constructor(private readonly parts: ComparisonRunParts) {}

  /** Starts one. While one runs, that one is told of again instead. */
  start(request: ComparisonRequest): void {
    if (this.isClosed) return;
    if (this.isBusy) {
      this.tellLatest();
      return;
    }
    this.isBusy = true;
    this.isUnwanted = false;
    this.latest = undefined;
    // The process of one that has told its end may still be ending.
    this.running = this.running.then(async () => this.run(request));
  }

  /** Asks it to end; what it has measured stays told. Without one nothing happens. */
  stop(): void {
    // Once: asked three times it would end at once, and leave its data.
    if (!this.isUnwanted) this.child?.kill('SIGTERM');
    this.isUnwanted = true;
  }

  /** Tells again what was told last. */
  tellLatest(): void {
    if (this.latest !== undefined) this.parts.tell(this.latest);
  }

  /** Ends it for good, and after `budgetMs` kills it: its servers then end by themselves. */
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
    if (this.isUnwanted) {
      this.endedWithoutWord('before it began');
      return;
    }
    const { dataDirectory, env, print, launch = launchCompare } = this.parts;
    const logFile = join(dataDirectory, 'logs', 'compare.log');
    const log = new LogFile(logFile);
    const out = join(dataDirectory, 'compare');
    const flags = ['--orders', String(orders), '--save-ms', saveMs, '--out', out, ...(full ? ['--full'] : [])];
    print('a comparison runs beside the stack, on servers of its own');
    const child = launch(flags, env);
    this.child = child;
    let toldItsEnd = false;
    child.on('message', (message) => {
      if (!isComparison(message)) return;
      toldItsEnd = message.comparison.state !== 'running';
      this.isBusy = !toldItsEnd;
      this.tell(message);
    });
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => log.write(line));
    const ending = await endingOf(child);
    log.close();
    this.child = undefined;
    print(`the comparison has ended (${ending})`);
    if (!toldItsEnd) this.endedWithoutWord(ending, lastLinesOf(logFile));
  }

  private endedWithoutWord(how: string, lastLines = ''): void {
    this.isBusy = false;
    const log = lastLines === '' ? '' : `. The last lines of its log:\n${lastLines}`;
    const [code, what] = this.isUnwanted ? ['interrupted', 'was stopped'] : ['comparison-ended', 'ended by itself'];
    this.tell({ type: 'comparison-ended', error: { code, message: `The comparison ${what}: ${how}${log}` } });
  }

  private tell(news: ComparisonNews): void {
    this.latest = news;
    this.parts.tell(news);
  }
}

/** Detached: Ctrl-C in the terminal is the supervisor's alone to hear. By the channel it notices when the supervisor dies. */
function launchCompare(flags: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const script = join(PROJECT_DIRECTORY, 'dist', 'dev', 'compare.js');
  return spawn(process.execPath, [script, ...flags], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
}

/** Once its last message and line were read. */
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
