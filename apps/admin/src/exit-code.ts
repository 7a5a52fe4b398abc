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
