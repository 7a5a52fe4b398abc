import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { eventually } from '../eventually.js';
import { type Effects, STATUS_REQUEST, type LogLine, type MemberMessage, type MemberSettings } from './effects.js';

const PROGRAM = join(PROJECT_DIRECTORY, 'dist/test/support/member/main.js');

/** A member of a consumer group in a separate process. It needs a compiled dist/. */
export class MemberProcess {
  readonly log: LogLine[] = [];
  private readonly child: ChildProcess;
  private readonly exited: Promise<number | null>;
  private readonly waiting: ((status: ParallelConsumerStatus) => void)[] = [];
  private errors = '';

  constructor(
    readonly name: string,
    settings: MemberSettings,
    effects: Effects,
  ) {
    const child = fork(PROGRAM, [JSON.stringify(settings)], {
      execArgv: ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
    child.on('message', (message) => this.receive(message as MemberMessage, effects));
    const { promise, resolve } = Promise.withResolvers<number | null>();
    // Not `exit`, because messages of the member may still be in transit then.
    child.once('close', (code) => resolve(code));
    this.child = child;
    this.exited = promise;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Requests the member's status; responds at once, unless its event loop is busy. @throws Error if the member has ended */
  async status(): Promise<ParallelConsumerStatus> {
    if (!this.running) throw new Error(`${this.name} has ended:\n${this.errors}`);
    const { promise, resolve } = Promise.withResolvers<ParallelConsumerStatus>();
    this.waiting.push(resolve);
    this.child.send(STATUS_REQUEST);
    const ended = this.exited.then(() => {
      throw new Error(`${this.name} ended without a response:\n${this.errors}`);
    });
    return Promise.race([promise, ended]);
  }

  async isReady(): Promise<boolean> {
    return (await this.status()).ready;
  }

  /** Waits until it is ready and owns partitions. */
  async joins(): Promise<void> {
    await eventually(`${this.name} is ready and owns partitions`, async () => {
      const { ready, partitions } = await this.status();
      return ready && partitions.length > 0;
    });
  }

  /** Waits until it has ended by itself. @returns its output on stderr */
  async ends(): Promise<string> {
    await this.exited;
    return this.errors;
  }

  /** Returns the matching messages logged so far. */
  logged(pattern: RegExp): string[] {
    return this.log.map(({ message }) => message).filter((message) => pattern.test(message));
  }

  /** Sends SIGKILL. Resolves when the process has ended and all of its messages have arrived. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** Sends SIGSTOP: the process does nothing until `resume`, and its clock goes on. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  /** Sends SIGTERM: the member drains and leaves the group. @returns its exit code, 0 on success */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.exited;
  }

  private receive(message: MemberMessage, effects: Effects): void {
    if (message.kind === 'status') {
      this.waiting.shift()?.(message.status);
      return;
    }
    if (message.kind === 'log') this.log.push(message.line);
    effects.add(this.name, message);
  }
}
