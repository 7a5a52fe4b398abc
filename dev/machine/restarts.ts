const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** A process that ran well for this long starts over at the first delay. */
export const WELL_AFTER_MS = 60_000;

/** A restart of one process. */
interface Restart {
  /** The number of restarts in a row, counted from 1. */
  readonly attempt: number;
  readonly delayMs: number;
}

/**
 * Decides how long to wait before each restart of one process. The delay doubles up to 10 s. A random part of up to half is
 * subtracted (jitter), so that processes that failed together don't restart together each time.
 */
export class RestartBackoff {
  private attempt = 0;

  /** @param random from 0 to 1 */
  constructor(private readonly random: () => number = Math.random) {}

  /** @param wellMs how long the process that has just ended ran well, in ms */
  next(wellMs: number): Restart {
    this.attempt = wellMs >= WELL_AFTER_MS ? 1 : this.attempt + 1;
    const longest = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.attempt - 1));
    return { attempt: this.attempt, delayMs: Math.round(longest * (1 - this.random() / 2)) };
  }
}

/** Formats the log line of a restart. @param ending the exit code, the signal, or why the process could not be run */
export function restartLine(name: string, ending: string, { attempt, delayMs }: Restart): string {
  return `${name} ended, restarting: ending=${JSON.stringify(ending)} attempt=${attempt} delayMs=${delayMs}`;
}
