import type { Clock } from '@orders-pipeline/clock';

/** Recorded refusals of one caller, and of all callers, in a window. */
const PER_CALLER = 60;
const IN_TOTAL = 600;
const WINDOW_MS = 60_000;

/**
 * Limits how many refusals are recorded: a client without a token could otherwise fill the database. The others are counted. Changes that
 * were made are never limited.
 */
export class RefusalLimit {
  private readonly recorded = new Map<string, number>();
  private total = 0;
  private unrecorded = 0;
  private cancel: (() => void) | undefined;

  /** @param onUnrecorded called at the end of a window with the number of refusals that were only counted, if there were any */
  constructor(
    private readonly clock: Clock,
    private readonly onUnrecorded: (count: number) => void,
  ) {}

  /** Returns whether to record this refusal, and counts it otherwise. */
  admits(caller: string): boolean {
    this.cancel ??= this.clock.after(WINDOW_MS, () => this.endWindow());
    const own = this.recorded.get(caller) ?? 0;
    if (own >= PER_CALLER || this.total >= IN_TOTAL) {
      this.unrecorded += 1;
      return false;
    }
    this.recorded.set(caller, own + 1);
    this.total += 1;
    return true;
  }

  /** Ends the window, such as before the process does. */
  endWindow(): void {
    this.cancel?.();
    this.cancel = undefined;
    const count = this.unrecorded;
    this.recorded.clear();
    this.total = 0;
    this.unrecorded = 0;
    if (count > 0) this.onUnrecorded(count);
  }
}
