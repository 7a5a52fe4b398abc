const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** A process that was well for so long starts over at the first delay. */
export const WELL_AFTER_MS = 60_000;

/** A restart of one process. */
export interface Restart {
  /** How many in a row this one is, counted from 1. */
  readonly attempt: number;
  readonly delayMs: number;
}

/**
 * Decides how long to wait before each restart of one process: twice as long as before the last one, up to 10 s, of which a random half is
 * left out (jitter), so that processes that died together do not start together each time.
 */
export class RestartBackoff {
  private attempt = 0;

  /** @param random from 0 to 1 */
  constructor(private readonly random: () => number = Math.random) {}

  /** @param wellMs for how long the process that has just ended was well */
  next(wellMs: number): Restart {
    this.attempt = wellMs >= WELL_AFTER_MS ? 1 : this.attempt + 1;
    const longest = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.attempt - 1));
    return { attempt: this.attempt, delayMs: Math.round(longest * (1 - this.random() / 2)) };
  }
}

/** What is logged of a restart. @param ending the exit code, the signal, or why the process could not be run */
export function restartLine(name: string, ending: string, { attempt, delayMs }: Restart): string {
  return `${name} ended, restarting: ending=${JSON.stringify(ending)} attempt=${attempt} delayMs=${delayMs}`;
}
