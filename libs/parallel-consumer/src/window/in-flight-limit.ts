import { requireWholeNumbers, type ResolvedOptions } from '../options.js';
import type { AttemptOutcome } from '../observer.js';
import { AutoLimit } from './auto-limit.js';
import type { Scheduler, WindowLimits } from './scheduler.js';

const AUTO_INITIAL = 200;
const AUTO_MINIMUM = 10;
/** With few busy keys most of what is taken waits behind them; measured, twenty times as much as may run is needed. */
const TAKEN_PER_IN_FLIGHT = 20;

/** The limit of records in flight, fixed or found, and the window that goes with it. */
export class InFlightLimit {
  private auto: AutoLimit | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly scheduler: Scheduler,
  ) {
    this.set(options.inFlight);
  }

  /** The bounds that go with a limit of records in flight. */
  static windowFor(options: ResolvedOptions, inFlight: number): WindowLimits {
    const { maxBytes, maxBuffered = TAKEN_PER_IN_FLIGHT * inFlight } = options;
    return { inFlight, maxBuffered, maxBytes };
  }

  /** Whether it is being found from what attempts take. */
  get isSearched(): boolean {
    return this.auto !== undefined;
  }

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
      requireWholeNumbers({ inFlight: limit });
      this.auto = undefined;
      this.apply(limit);
    }
  }

  /** Learns from an attempt that has just ended and still counts as running. @returns whether the limit has changed */
  attempted(outcome: AttemptOutcome, milliseconds: number): boolean {
    if (!this.auto?.attempted(outcome, milliseconds, this.scheduler.running)) return false;
    this.apply(this.auto.current);
    return true;
  }

  private apply(inFlight: number): void {
    this.scheduler.resize(InFlightLimit.windowFor(this.options, inFlight));
  }
}
