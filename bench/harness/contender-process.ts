import { fork } from 'node:child_process';
import { join } from 'node:path';
import { heapFlags, type Heap } from '../../dev/supervisor/app-process.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { Job } from '../contenders/job.js';
import { UNBOUNDED_HEAP } from './consumer-heap.js';
import type { Measurement } from './measurement.js';

const SCRIPT = join(PROJECT_DIRECTORY, 'dist', 'bench', 'contenders', 'main.js');

export interface ProcessOptions {
  /** Default: a consumer's young heap, and no limit for the old one. */
  readonly heap?: Heap;
  /** A contender that takes longer is killed, and its benchmark fails. */
  readonly timeoutMs: number;
  /** Folder for V8's CPU profile; no profile by default. */
  readonly profileDirectory?: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a contender in a separate process with the heap flags of the apps, so that memory and CPU time are its own.
 * @throws Error when it fails, times out, or the signal aborts
 */
export async function runContender(job: Job, options: ProcessOptions): Promise<Measurement> {
  const { heap = UNBOUNDED_HEAP, timeoutMs, profileDirectory, signal } = options;
  const profile = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const timeout = AbortSignal.timeout(timeoutMs);
  const child = fork(SCRIPT, [], {
    execArgv: [...heapFlags(heap), '--disable-warning=TimeoutNegativeWarning', ...profile],
    signal: AbortSignal.any([signal, timeout]),
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Measurement>();
  let measured: Measurement | undefined;
  child.on('message', (message) => {
    measured = message as Measurement;
  });
  child.once('error', (error) => {
    reject(timeout.aborted ? new Error(`${job.contender} did not complete within ${timeoutMs / 1_000} s`) : error);
  });
  // Resolves only after the exit, so that it does not run at the same time as the next contender.
  child.once('exit', (code, killedBy) => {
    if (measured === undefined) reject(new Error(`${job.contender} ended with ${killedBy ?? `exit code ${code}`}`));
    else resolve(measured);
  });
  child.send(job);
  return promise;
}
