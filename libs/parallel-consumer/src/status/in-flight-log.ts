import type { EngineLogger } from '../events/engine-logger.js';
import type { InFlightBound } from './in-flight-bound.js';
import type { ParallelConsumerStatus } from './status.js';

/** Number of consecutive checks, one a second, after which a bound is logged. */
const STABLE_CHECKS = 10;
/** The bounds that an option or the data cause. The others are normal, or logged elsewhere. */
const NOTEWORTHY: ReadonlySet<InFlightBound> = new Set([
  'keys',
  'partitions',
  'retries',
  'buffer',
  'uncommitted-offsets',
]);

/** Logs once why the records in flight stay below their limit, and again when something else bounds them for 10 s. */
export class InFlightLog {
  private last: InFlightBound | undefined;
  private checks = 0;
  private logged: InFlightBound | undefined;

  constructor(private readonly logger: EngineLogger) {}

  /** Called once a second. */
  check({ inFlightBound, inFlight, inFlightLimit }: ParallelConsumerStatus): void {
    this.checks = inFlightBound === this.last ? this.checks + 1 : 1;
    this.last = inFlightBound;
    if (this.checks < STABLE_CHECKS || inFlightBound === this.logged || !NOTEWORTHY.has(inFlightBound)) return;
    this.logged = inFlightBound;
    this.logger.info({ inFlight, inFlightLimit, boundBy: inFlightBound }, 'records in flight stay below their limit');
  }
}
