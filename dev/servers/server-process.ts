import { spawn, type ChildProcess } from 'node:child_process';
import { openLog } from './log-file.js';
import type { ProcessRecords } from './process-records.js';
import type { ServerGuard } from './server-guard.js';
import type { ServerProgram } from './server-program.js';

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
export function launchServer(program: ServerProgram, { records, guard }: ServerEnvironment): ServerProcess {
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

function endingOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  child.once('error', (error) => resolve(error.message));
  return promise;
}
