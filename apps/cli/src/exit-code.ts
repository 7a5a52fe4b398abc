/**
 * What the process ends with, for scripts. `usage` and `pending` share 2: both mean "nothing is decided, ask again", once with other
 * words and once later.
 */
export const EXIT_CODE = {
  ok: 0,
  /** The operation failed, the equation is broken, or the producer can't be asked. */
  failed: 1,
  /** The command line, what the producer was asked for, or what it was asked with (tokens, credentials) is wrong. */
  usage: 2,
  /** A reconciliation that can't be decided yet. */
  pending: 2,
  /** The operation that was watched was cancelled. */
  cancelled: 3,
  /** Ctrl-C, as shells have it: 128 and the number of the signal. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** Below the help of the whole command line. */
export const EXIT_CODES_HELP = `
Exit codes:
  0    done; with --watch: the operation succeeded; reconcile: it holds
  1    it failed, or no producer answers; reconcile: it is broken
  2    the command line, the request or its credentials are wrong; reconcile: work is pending, ask again later
  3    the operation that was watched was cancelled
  130  Ctrl-C ended the watching; the operation goes on`;
