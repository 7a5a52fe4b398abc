import { endingOf } from '../machine/child-processes.js';
import { pause, systemClock, type Clock } from '@orders-pipeline/clock';
import { rejectOnAbort, interruptiblePause } from '../waits.js';
import { RestartBackoff, restartLine } from '../machine/restarts.js';
import { StackError } from '../stack-error.js';
import { readLastLines, openLog } from './log-file.js';
import { timeLimit } from '#orders/time-limit.js';
import { spawn, type ChildProcess } from 'node:child_process';
import type { ProcessRecords } from './data-directory.js';
import type { Writable } from 'node:stream';

/** A server program: how to start it, and how to check that it is ready. One per process. */
export interface ServerProgram {
  /** The displayed name, such as `Kafka`. */
  readonly name: string;
  readonly logFile: string;
  /** Prepares the disk before the process starts. Called at every start. */
  prepare(): Promise<void>;
  command(): { file: string; args: readonly string[]; env?: NodeJS.ProcessEnv };
  /** Resolves when the server is ready; rejects before that. A StackError fails the first start. Must limit its own duration. */
  probe(): Promise<void>;
}

/** With one CPU core, and other servers that start beside it, Kafka took more than a minute. */
const READY_WITHIN_MS = timeLimit(300_000);
const PROBE_EVERY_MS = 100;

/** Receives events of a server that has served before, as log lines. */
export interface ServerEvents {
  /** The process ended, and is restarted after a delay. */
  readonly onEnded: (line: string) => void;
  readonly onRecovered: (line: string) => void;
}

/** The dependencies that specs replace. */
interface ServerMachine {
  readonly clock: Clock;
  readonly random: () => number;
  readonly launch: typeof launchServer;
}

const MACHINE: ServerMachine = { clock: systemClock, random: Math.random, launch: launchServer };

/**
 * Keeps one server process running. The first start fails at once with the error that keeps the server from serving. A server that
 * has served is restarted with back-off whenever its process ends, even before it serves again, until it is stopped.
 */
export class Server {
  private process: ServerProcess | undefined;
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** Resolves when the server serves for the first time after the last `start`. */
  private served = Promise.withResolvers<void>();
  private hasServed = false;
  private lastProbeFailure: unknown;

  constructor(
    readonly program: ServerProgram,
    private readonly surroundings: ServerEnvironment,
    private readonly events: ServerEvents,
    private readonly machine = MACHINE,
  ) {}

  get name(): string {
    return this.program.name;
  }

  /**
   * Resolves once the server is ready. May be called again after `stop` or `kill`, on the same data.
   * @throws StackError `server-failed`, with the last lines of its log, if the process ends before it is ready or takes longer than
   * five minutes; call `stop` then
   */
  start(): Promise<void> {
    this.served = Promise.withResolvers();
    this.hasServed = false;
    this.stopping = new AbortController();
    const cancel = this.machine.clock.after(READY_WITHIN_MS, () =>
      this.served.reject(
        this.failure(`did not serve within ${READY_WITHIN_MS / 1_000} s (${String(this.lastProbeFailure)})`),
      ),
    );
    this.running = this.keepRunning(this.stopping.signal);
    return this.served.promise.finally(cancel);
  }

  /**
   * Sends SIGTERM to the process, and SIGKILL after `budgetMs`. The next start recovers the data in both cases.
   * Aborts a start or a restart in progress. Once it resolves, no process runs and none will be started.
   */
  async stop(budgetMs: number): Promise<void> {
    this.stopping.abort();
    await this.end('SIGTERM', budgetMs);
    await this.running;
  }

  /** Kills the process with SIGKILL, like a crash, without a restart until the next `start`. For tests of recovery. */
  async kill(): Promise<void> {
    this.stopping.abort();
    await this.end('SIGKILL', 0);
    await this.running;
  }

  private async keepRunning(stop: AbortSignal): Promise<void> {
    const { clock, random } = this.machine;
    const backoff = new RestartBackoff(random);
    let downSince: number | undefined;
    for (;;) {
      const { ending, servedMs } = await this.run(stop, downSince);
      if (stop.aborted) this.served.reject(new Error(`${this.name} was stopped before it served`));
      else if (!this.hasServed) this.served.reject(this.failure(`ended before it served (${ending})`));
      if (stop.aborted || !this.hasServed) return;
      if (servedMs !== undefined) downSince = clock.now();
      const restart = backoff.next(servedMs ?? 0);
      this.events.onEnded(restartLine(this.name, ending, restart));
      await interruptiblePause(restart.delayMs, stop, clock);
      if (stop.aborted) return;
    }
  }

  /** Runs one process until it ends. @returns how it ended, and for how long it served */
  private async run(stop: AbortSignal, downSince: number | undefined): Promise<{ ending: string; servedMs?: number }> {
    const { clock, launch } = this.machine;
    try {
      await this.program.prepare();
      if (stop.aborted) return { ending: 'stopped' };
      const process = launch(this.program, this.surroundings);
      this.process = process;
      const serves = await this.becomesServing(process, stop);
      const servesSince = clock.now();
      if (serves && downSince !== undefined)
        this.events.onRecovered(`${this.name} serves again: downMs=${servesSince - downSince}`);
      const ending = await process.ended;
      return serves ? { ending, servedMs: clock.now() - servesSince } : { ending };
    } catch (error) {
      // For example a full disk. A first start rejects with this error as it is.
      this.served.reject(error);
      return { ending: String(error) };
    }
  }

  /** Resolves to false when the process ends before it is ready, or on stop. Has no time limit, since a recovery may take long. */
  private async becomesServing(process: ServerProcess, stop: AbortSignal): Promise<boolean> {
    // A probe of a process that has just ended can take seconds.
    const over = Promise.race([process.ended, rejectOnAbort(stop)]).then(
      () => false,
      () => false,
    );
    for (;;) {
      const isServing = await Promise.race([this.probe(), over]);
      // Another program may have responded on its port.
      if (process.hasEnded || stop.aborted) return false;
      if (isServing) break;
      await Promise.race([pause(this.machine.clock, PROBE_EVERY_MS), over]);
    }
    this.hasServed = true;
    this.served.resolve();
    return true;
  }

  private async probe(): Promise<boolean> {
    try {
      await this.program.probe();
      return true;
    } catch (error) {
      this.lastProbeFailure = error;
      if (error instanceof StackError) this.served.reject(error);
      return false;
    }
  }

  private async end(signal: NodeJS.Signals, budgetMs: number): Promise<void> {
    const { process } = this;
    if (process === undefined || process.hasEnded) return;
    process.kill(signal);
    const cancel = this.machine.clock.after(budgetMs, () => process.kill('SIGKILL'));
    await Promise.allSettled([process.ended]);
    cancel();
  }

  private failure(what: string): StackError {
    const { logFile } = this.program;
    return new StackError(
      'server-failed',
      `${this.name} ${what}. The last lines of its log:\n${readLastLines(logFile)}`,
      `The whole log: ${logFile}. If the data is damaged, npm run reset empties it.`,
    );
  }
}

/** The parts of the stack that a server needs. */
export interface ServerEnvironment {
  readonly records: ProcessRecords;
  readonly guard: ServerGuard;
}

/** One running process of a server, from its start to its end. */
export interface ServerProcess {
  readonly hasEnded: boolean;
  /** Resolves when the process has ended, to its exit code, the signal, or why it could not be run. */
  readonly ended: Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a process, detached from the terminal's process group. Ctrl-C thus reaches only the supervisor, which stops the apps first.
 * The process writes its log itself, so that it doesn't depend on a reader.
 */
function launchServer(program: ServerProgram, { records, guard }: ServerEnvironment): ServerProcess {
  const { file, args, env } = program.command();
  const log = openLog(program.logFile);
  const child = spawn(file, args, {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, ...env },
  });
  log.close();
  const { pid } = child;
  if (pid !== undefined) {
    guard.watch(pid);
    records.add('server', program.name, pid);
  }
  let hasEnded = false;
  const ended = endingOf(child).finally(() => {
    hasEnded = true;
    if (pid !== undefined) records.remove(pid);
  });
  return {
    get hasEnded() {
      return hasEnded;
    },
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

/**
 * Reads pids until its input ends, when no process holds the other end of the pipe any more. Then sends SIGTERM to those
 * processes, and SIGKILL after 20 s. `$1` is the data folder: a pid counts only while its command line contains it.
 */
const SCRIPT = `
trap '' INT HUP
while read -r pid; do pids="$pids $pid"; done
ours() { { tr '\\0' ' ' < "/proc/$2/cmdline" || ps -ww -o command= -p "$2"; } 2>/dev/null | grep -qF -- "$1"; }
for pid in $pids; do if ours "$1" "$pid"; then kill -TERM "$pid"; fi; done
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  left=
  for pid in $pids; do if ours "$1" "$pid"; then left=1; fi; done
  if [ -z "$left" ]; then exit 0; fi
  sleep 1
done
for pid in $pids; do if ours "$1" "$pid"; then kill -KILL "$pid"; fi; done
`;

/**
 * Ends the servers after their supervisor was killed. A small shell waits at a pipe whose other end the supervisor holds and every
 * app inherits. The pipe closes only when all of them have ended, so the apps have drained before the servers stop.
 * A Node process would need more memory, and the servers can't do it themselves.
 */
export class ServerGuard {
  private readonly shell: ChildProcess;
  private readonly pipe: Writable;

  constructor(dataDirectory: string) {
    const shell = spawn('sh', ['-c', SCRIPT, 'orders-server-guard', dataDirectory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.shell = shell;
    this.pipe = shell.stdin;
    // If the guard itself is killed, the stack continues without it.
    this.pipe.on('error', () => shell.unref());
  }

  /** The stream that apps get among their stdio, so that the guard waits for their end too. */
  get inheritable(): Writable {
    return this.pipe;
  }

  watch(pid: number): void {
    this.pipe.write(`${pid}\n`);
  }

  /** Ends the guard after a regular stop of the servers. */
  dismiss(): void {
    this.shell.kill('SIGKILL');
  }
}
