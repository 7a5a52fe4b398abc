import { EXIT_CODE, type ExitCode } from './exit-code.js';

interface CliErrorOptions extends ErrorOptions {
  /** 1 by default. */
  readonly exitCode?: ExitCode;
}

/** A failure that its user can do something about; everything else is a bug and is shown with its stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  /**
   * @param code stable, for tests and programs
   * @param remedy what to do now; empty where the message says it already
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

/** The failure in lines for the terminal. */
export function explain(error: unknown): string {
  if (error instanceof CliError) return [error.message, error.remedy].filter((line) => line !== '').join('\n');
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
