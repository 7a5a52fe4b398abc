import type { ExitCode } from './exit-code.js';

/** Where a command line reads its settings and writes its lines. */
export interface AdminEnvironment {
  readonly env: NodeJS.ProcessEnv;
  /** Prints a line of the result. */
  readonly print: (line: string) => void;
  /** Prints a line about a failure. */
  readonly printError: (line: string) => void;
}

/** Runs a command's work, whose exit code becomes that of the process. */
export type RunCommand = (work: (environment: AdminEnvironment) => Promise<ExitCode>) => Promise<void>;
