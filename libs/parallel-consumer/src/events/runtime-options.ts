import { systemClock, type Clock } from '@orders-pipeline/clock';
import type { EngineLogger } from './engine-logger.js';
import type { Observer } from './observer.js';
import type { RecordTracer } from './record-tracer.js';

/** What the engine reports to, and its sources of time and randomness. */
export interface RuntimeOptions {
  /** Receives log messages; a pino logger fits. */
  readonly logger: EngineLogger;
  /** Receives events for metrics. */
  readonly observer?: Observer;
  /** Follows records, for traces. Default: none is traced. */
  readonly tracer?: RecordTracer;
  /** Source of time. Default `systemClock`; tests pass a `ManualClock`. */
  readonly clock?: Clock;
  /** Returns numbers from 0 (inclusive) to 1 (exclusive), for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

export const RUNTIME_DEFAULTS = { clock: systemClock, random: Math.random };

/** `RuntimeOptions` with the defaults applied. */
export type RuntimeSettings = RuntimeOptions & Required<Pick<RuntimeOptions, keyof typeof RUNTIME_DEFAULTS>>;
