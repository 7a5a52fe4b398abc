import { isErrno } from './machine/process-table.js';

/** Stable codes of what can keep the embedded stack from starting. */
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
  | 'app-failed'
  | 'comparison-failed'
  | 'interrupted';

/** What is left when a part can't be had: shown below every message about one. */
export const WAYS_ROUND =
  'Or go round it: set KAFKA_BROKERS, SCHEMA_REGISTRY_URL or MONGODB_URI (each works alone, in the environment or in .env) ' +
  'to use a server of your own, or run everything in containers: docker compose up.';

/**
 * A failure that the person at the terminal can mend: it is shown as `message` and `remedy`, without a stack trace.
 * Whatever else is thrown is a bug and is shown whole.
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

  /** Wrong usage is 2, as shells have it; everything else is 1. */
  get exitCode(): 1 | 2 {
    return this.code === 'bad-flag' || this.code === 'bad-setting' ? 2 : 1;
  }
}

/** The text that is shown for any thrown value. */
export function explain(error: unknown): string {
  if (error instanceof StackError) return `${error.message}\n${error.remedy}`;
  if (isErrno(error, 'ENOSPC')) {
    return `The disk is full (${String(error)}).\nFree about 1 GiB, or put the data elsewhere with --data DIR. ${WAYS_ROUND}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
