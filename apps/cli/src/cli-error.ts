/** The exit codes of the process. `usage` and `pending` share 2: both have no result yet and need another call, corrected or later. */
export const EXIT_CODE = {
  ok: 0,
  /** The operation failed, the reconciliation found a mismatch, or the producer is unavailable. */
  failed: 1,
  /** The command line, the request or its credentials are invalid. */
  usage: 2,
  /** The reconciliation has no verdict yet. */
  pending: 2,
  /** The watched operation was cancelled. */
  cancelled: 3,
  /** Ctrl-C. As in shells: 128 plus the signal number. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** The exit codes, printed below the help of the command line. */
export const EXIT_CODES_HELP = `
Exit codes:
  0    success; with --watch: the operation succeeded; reconcile: ok
  1    failure, or no producer answers; with --watch: also if none of the records was saved; reconcile: mismatch
  2    the command line, the request or the credentials are invalid; reconcile: pending, retry later
  3    the watched operation was cancelled
  130  Ctrl-C stopped watching; the operation continues`;

interface CliErrorOptions extends ErrorOptions {
  /** 1 by default. */
  readonly exitCode?: ExitCode;
  /** Whether the same request may succeed later. Default: false. */
  readonly isTemporary?: boolean;
}

/** A failure that the user can fix. All other errors are bugs and are printed with their stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly isTemporary: boolean;

  /**
   * @param code a stable code for tests and programs
   * @param remedy what the user can do; empty if the message says it
   */
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
    { exitCode = EXIT_CODE.failed, isTemporary = false, ...options }: CliErrorOptions = {},
  ) {
    super(message, options);
    this.exitCode = exitCode;
    this.isTemporary = isTemporary;
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
