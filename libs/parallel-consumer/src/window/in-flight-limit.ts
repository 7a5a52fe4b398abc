import type { RuntimeSettings } from '../events/runtime-options.js';
import { positiveInteger } from '../checks/value-checks.js';
import type { WindowSettings } from './window-options.js';
import type { AttemptOutcome } from '../events/observer.js';
import { AutoLimit } from './auto-limit.js';
import type { Scheduler, WindowLimits } from './scheduler.js';

const AUTO_INITIAL = 200;
const AUTO_MINIMUM = 10;
/** With few busy keys most taken records wait behind them. Measurements showed that a factor of 20 is needed. */
const BUFFERED_PER_IN_FLIGHT = 20;

/** Applies the in-flight limit, fixed or automatic, and the window limits derived from it, to the scheduler. */
export class InFlightLimit {
  private auto: AutoLimit | undefined;

  constructor(
    private readonly options: WindowSettings & RuntimeSettings,
    private readonly scheduler: Scheduler,
  ) {
    this.set(options.inFlight);
  }

  /** Derives the window limits from an in-flight limit. */
  static windowFor(options: WindowSettings & RuntimeSettings, inFlight: number): WindowLimits {
    const { maxBytes, maxBuffered = BUFFERED_PER_IN_FLIGHT * inFlight } = options;
    return { inFlight, maxBuffered, maxBytes };
  }

  /** Whether the limit adapts to measured latencies. */
  get isAuto(): boolean {
    return this.auto !== undefined;
  }

  /** Sets a fixed limit, or restarts the automatic one. @throws RangeError for a limit that is not an integer of at least 1 */
  set(limit: number | 'auto'): void {
    const { maxInFlight } = this.options;
    if (limit === 'auto') {
      this.auto = new AutoLimit({
        initial: AUTO_INITIAL,
        min: Math.min(AUTO_MINIMUM, maxInFlight),
        max: maxInFlight,
      });
      this.apply(this.auto.current);
    } else {
      positiveInteger('inFlight', limit);
      this.auto = undefined;
      this.apply(limit);
    }
  }

  /** Records an attempt that has just ended and still counts as running. @returns whether the limit has changed */
  attempted(outcome: AttemptOutcome, milliseconds: number): boolean {
    if (!this.auto?.attempted(outcome, milliseconds, this.scheduler.running)) return false;
    this.apply(this.auto.current);
    return true;
  }

  private apply(inFlight: number): void {
    this.scheduler.resize(InFlightLimit.windowFor(this.options, inFlight));
  }
}
