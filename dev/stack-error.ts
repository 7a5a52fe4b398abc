import { isErrno } from './machine/processes.js';

/** Stable codes of the failures that keep the embedded stack from starting. */
export type StackErrorCode =
  | 'bad-flag'
  | 'bad-setting'
  | 'unsupported-platform'
  | 'data-in-use'
  | 'partitions-fixed'
  | 'replication-fixed'
  | 'port-in-use'
  | 'disk-full'
  | 'client-missing'
  | 'fetch-failed'
  | 'server-failed'
  | 'migration-failed'
  | 'app-failed'
  | 'comparison-failed'
  | 'demo-failed'
  | 'interrupted';

/** The alternatives when a part is unavailable: shown below every message about one. */
export const ALTERNATIVES =
  'Alternatively, set KAFKA_BROKERS, SCHEMA_REGISTRY_URL or MONGODB_URI (each works alone, in the environment or in .env) ' +
  'to use a server of your own, or run everything in containers: docker compose up.';

/**
 * A failure that the user can fix. It is shown as `message` and `remedy`, without a stack trace.
 * Any other error is a bug and is shown with its stack.
 */
export class StackError extends Error {
  override readonly name = 'StackError';

  constructor(
    readonly code: StackErrorCode,
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** 2 for wrong usage, as in shells; 1 for everything else. */
  get exitCode(): 1 | 2 {
    return this.code === 'bad-flag' || this.code === 'bad-setting' ? 2 : 1;
  }
}

/** Returns the text that is shown for any thrown value. */
export function explain(error: unknown): string {
  if (error instanceof StackError) return `${error.message}\n${error.remedy}`;
  if (isErrno(error, 'ENOSPC')) {
    return `The disk is full (${String(error)}).\nFree about 1 GiB, or put the data elsewhere with --data DIR. ${ALTERNATIVES}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
