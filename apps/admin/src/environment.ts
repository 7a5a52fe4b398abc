import { InvalidArgumentError } from 'commander';
import { validate as isUuid } from 'uuid';
import { explainConnection } from '#service/availability/explain-connection.js';

/** Where a command line reads its settings and writes its lines. */
export interface AdminEnvironment {
  readonly env: NodeJS.ProcessEnv;
  /** Prints a line of the result. */
  readonly print: (line: string) => void;
  /** Prints a line about a failure. */
  readonly printError: (line: string) => void;
}

/** Makes the action of a command: it runs the work with what commander has parsed. The exit code becomes that of the process. */
export type Run = <Given extends unknown[]>(
  work: (environment: AdminEnvironment, ...given: Given) => Promise<ExitCode>,
) => (...given: Given) => Promise<void>;

/** The exit codes of the process, as those of `diff`. */
export const EXIT_CODE = {
  ok: 0,
  /** A plan has found something to do, or a change has left something that it does not do. */
  differs: 1,
  /** A server is unavailable or refuses, or the command line or a setting is wrong. */
  failed: 2,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** The exit codes, printed below the help of the command line. */
export const EXIT_CODES_HELP = `
Exit codes:
  0    all is as the settings want it
  1    plan: there is something to do; apply, migrate, archive: something is left that it does not do;
       restore: it has ended, and lists what is lost or paused
  2    a server is unavailable or refuses, a backup is refused, or the command line or a setting is wrong`;

/** Why a command can't do its work. The codes are stable. Those of archives are in `ArchiveError`. */
export type AdminErrorCode =
  | 'altered-file'
  | 'another-expansion'
  | 'backup-runs'
  | 'bad-manifest'
  | 'bad-replica-set'
  | 'bad-user-list'
  | 'connected-services'
  | 'database-not-empty'
  | 'disk-full'
  | 'empty-database'
  | 'expansion-changed'
  | 'folder-not-empty'
  | 'group-has-members'
  | 'incomplete-load'
  | 'interrupted'
  | 'kafka-unavailable'
  | 'missing-file'
  | 'missing-topic'
  | 'mongodb-unavailable'
  | 'newer-format'
  | 'no-manifest'
  | 'not-closed'
  | 'not-committed'
  | 'older-than-retention'
  | 'other-cluster'
  | 'other-restore'
  | 'other-topic'
  | 'silent-producer'
  | 'snapshot-lost'
  | 'still-written'
  | 'too-late'
  | 'topics-not-empty'
  | 'wrong-count';

/** A failure that the operator can fix. Its message, which is all that is printed, says what to do. */
export class AdminError extends Error {
  override readonly name = 'AdminError';

  constructor(
    readonly code: AdminErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Returns what to print of a failure. */
export function explain(error: unknown): string {
  return explainConnection(error) ?? (error instanceof Error ? error.message : String(error));
}

/** Returns a signal that aborts on the first SIGINT or SIGTERM. A second one ends the process. @param reason what the work throws then */
export function interruption(reason?: Error): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(reason);
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, interrupt);
  return controller.signal;
}

/** Formats a number for an operator, such as `61,234`. */
export function figure(value: number): string {
  return value.toLocaleString('en-US');
}

/** Returns what parses an integer from 1 to a limit, in digits only. It throws what commander prints with the name of the option. */
export function integerUpTo(limit: number): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d*$/.test(text) && Number(text) <= limit) return Number(text);
    throw new InvalidArgumentError(`It must be an integer from 1 to ${figure(limit)}.`);
  };
}

/** Parses the id of an operation. @throws InvalidArgumentError */
export function operationId(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('It must be the id of an operation, a UUID.');
  return text.toLowerCase();
}
