import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { StackError, ALTERNATIVES } from '../stack-error.js';

const LAST_LINES = 12;

export interface ClientRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The working directory. Default: that of this process. */
  readonly cwd?: string;
  /** The part being fetched, for the error message. */
  readonly fetching: string;
  /** Ends the client when the user interrupts the fetch. */
  readonly signal: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/**
 * Runs an ordinary package client (mvn, pip) with the user's own settings of mirrors, proxies and certificates.
 * @throws StackError `fetch-failed` with the client's last lines, `client-missing` when it isn't installed, `disk-full`
 */
export async function runClient(run: ClientRun): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const last: string[] = [];
  const child = spawn(run.command, run.args, {
    env: { ...process.env, ...run.env },
    ...(run.cwd !== undefined && { cwd: run.cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: run.signal,
  });
  child.once('error', reject);
  child.once('close', resolve);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (colored) => {
      const line = stripVTControlCharacters(colored);
      run.onLine?.(line);
      if (!isInformative(line)) return;
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
    });
  }
  const code = await promise;
  if (code !== 0) throw fetchFailure(run, last);
}

/** Returns false for rulers, empty lines and hints at the client's own debugging switches. */
function isInformative(line: string): boolean {
  return !/^(\[\w+\])?[\s-]*$|re-run Maven|full stack trace|For more information|^\[ERROR\] \[Help/i.test(line);
}

/** Returns the error of a failed client, with the reason as far as its last lines show it. */
export function fetchFailure(run: Pick<ClientRun, 'command' | 'fetching'>, lines: readonly string[]): StackError {
  const text = lines.join('\n');
  const shown = lines.map((line) => `    ${line}`).join('\n');
  const message = `${run.fetching} could not be fetched: ${run.command} failed. Its last lines:\n${shown}`;
  if (/No space left on device|ENOSPC/i.test(text)) {
    const remedy = `The disk is full: free about 1 GiB, or set ORDERS_CACHE_DIR to a folder on another disk. ${ALTERNATIVES}`;
    return new StackError('disk-full', message, remedy);
  }
  const remedy =
    `Check the network, and the mirror or proxy settings of ${run.command}, then run it again: ` +
    `parts that were fetched are kept. ${ALTERNATIVES}`;
  return new StackError('fetch-failed', message, remedy);
}
