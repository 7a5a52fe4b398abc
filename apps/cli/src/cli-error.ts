import { EXIT_CODE, type ExitCode } from './exit-code.js';

interface CliErrorOptions extends ErrorOptions {
  /** 1 by default. */
  readonly exitCode?: ExitCode;
}

/** A failure that the user can fix. All other errors are bugs and are printed with their stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  /**
   * @param code a stable code for tests and programs
   * @param remedy what the user can do; empty if the message says it
   */
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
    { exitCode = EXIT_CODE.failed, ...options }: CliErrorOptions = {},
  ) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Creates the error for an invalid command line, request or credentials: exit code 2. */
export function usageError(code: string, message: string, remedy: string): CliError {
  return new CliError(code, message, remedy, { exitCode: EXIT_CODE.usage });
}

/** Formats a failure for the terminal. */
export function explain(error: unknown): string {
  if (error instanceof CliError) return [error.message, error.remedy].filter((line) => line !== '').join('\n');
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
