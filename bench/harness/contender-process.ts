import { fork } from 'node:child_process';
import { join } from 'node:path';
import { heapFlags, type Heap } from '../../dev/supervisor/app-process.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { Job } from '../contenders/job.js';
import { UNBOUNDED_HEAP } from './consumer-heap.js';
import type { Measurement } from './measurement.js';

const SCRIPT = join(PROJECT_DIRECTORY, 'dist', 'bench', 'contenders', 'main.js');

export interface ProcessOptions {
  /** Default: a consumer's young heap, and no limit of the old one. */
  readonly heap?: Heap;
  /** A contender that takes longer is killed, and its benchmark has failed. */
  readonly timeoutMs: number;
  /** Where V8's CPU profile of it goes; without a folder there is none. */
  readonly profileDirectory?: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a contender in a process of its own, so that memory and CPU are its own, with the heap flags of the apps.
 * @throws Error when it fails, isn't done in time, or the signal aborts
 */
export async function runContender(job: Job, options: ProcessOptions): Promise<Measurement> {
  const { heap = UNBOUNDED_HEAP, timeoutMs, profileDirectory, signal } = options;
  const profile = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const overdue = AbortSignal.timeout(timeoutMs);
  const child = fork(SCRIPT, [], {
    execArgv: [...heapFlags(heap), '--disable-warning=TimeoutNegativeWarning', ...profile],
    signal: AbortSignal.any([signal, overdue]),
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Measurement>();
  let measured: Measurement | undefined;
  child.on('message', (message) => {
    measured = message as Measurement;
  });
  child.once('error', (error) => {
    reject(overdue.aborted ? new Error(`${job.contender} was not done within ${timeoutMs / 1_000} s`) : error);
  });
  // Only after its end: the next one must not find it still running.
  child.once('exit', (code, killedBy) => {
    if (measured === undefined) reject(new Error(`${job.contender} ended with ${killedBy ?? `exit code ${code}`}`));
    else resolve(measured);
  });
  child.send(job);
  return promise;
}
