import { type ChildProcess, execFile, type ExecFileOptions } from 'node:child_process';
import { promisify } from 'node:util';

interface CommandOptions extends Pick<ExecFileOptions, 'cwd' | 'env' | 'timeout'> {
  /** Written to the command's stdin. */
  readonly input?: string;
}

/** Runs a command to its end. @returns its output @throws Error with `stdout` and `stderr` unless it exits with 0 */
export async function runCommand(
  file: string,
  args: readonly string[],
  { input = '', ...options }: CommandOptions = {},
): Promise<string> {
  const running = promisify(execFile)(file, args, { maxBuffer: 64 * 1_024 * 1_024, ...options });
  // A command that ends without reading its input isn't an error of its own.
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

/** Returns what a failed command printed on this stream, or why it could not be run. */
export function printedBy(error: unknown, stream: 'stdout' | 'stderr'): string {
  const printed =
    typeof error === 'object' && error !== null ? (error as { [name in typeof stream]?: unknown })[stream] : undefined;
  return typeof printed === 'string' && printed.trim() !== '' ? printed.trim() : String(error);
}

/** Resolves when a process has ended: to its exit code, the signal, or why it could not be run. */
export function endingOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  child.once('error', (error) => resolve(error.message));
  return promise;
}
