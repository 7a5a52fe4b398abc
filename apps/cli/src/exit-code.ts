/** The exit codes of the process. `usage` and `pending` share 2: both have no result yet and need another call, corrected or later. */
export const EXIT_CODE = {
  ok: 0,
  /** The operation failed, the reconciliation is broken, or the producer is unavailable. */
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
  0    success; with --watch: the operation succeeded; reconcile: the verdict is "holds"
  1    failure, or no producer answers; with --watch: also if none of the records was saved; reconcile: the verdict is "broken"
  2    the command line, the request or the credentials are invalid; reconcile: the verdict is "pending", retry later
  3    the watched operation was cancelled
  130  Ctrl-C stopped watching; the operation continues`;
