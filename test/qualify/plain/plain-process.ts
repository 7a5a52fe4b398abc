import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { PlainTask } from './plain-client.js';

const PROGRAM = join(import.meta.dirname, 'main.js');

/** A process of `main.ts`. */
export class PlainProcess {
  private readonly child: ChildProcessByStdio<null, Readable, Readable>;
  private errors = '';
  private readonly closed: Promise<unknown>;

  /** @param node the program `node` that runs it */
  constructor(node: string, task: PlainTask, onLine: (line: string) => void) {
    const args = ['--disable-warning=TimeoutNegativeWarning', PROGRAM, JSON.stringify(task)];
    this.child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    createInterface({ input: this.child.stdout }).on('line', onLine);
    this.closed = once(this.child, 'close');
  }

  /** Resolves when it has ended by itself. @throws Error if it failed */
  async ended(): Promise<void> {
    await this.closed;
    if (this.failure !== undefined) throw new Error(this.failure);
  }

  /** Why it ended by itself; `undefined`: it runs, or it was ended. */
  get failure(): string | undefined {
    const { exitCode } = this.child;
    if (exitCode === null || exitCode === 0) return undefined;
    const [message = `exit code ${exitCode}`] = /^\w*Error.*$/m.exec(this.errors) ?? [];
    return `its process ended: ${message}`;
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Lets it leave its group. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.closed;
  }
}
