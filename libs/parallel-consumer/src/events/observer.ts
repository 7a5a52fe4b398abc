import type { DrainReport } from './drain-report.js';

/** The result of an attempt; `abandoned`: it exceeded its time limit and the grace period. */
export type AttemptOutcome = 'done' | 'retriable' | 'poison' | 'environment' | 'abandoned';

/** Receives events synchronously. Implementations must be cheap and must not throw. */
export interface Observer {
  /** Called at the end of each attempt. @param milliseconds the attempt's duration */
  attempted?(outcome: AttemptOutcome, milliseconds: number): void;
  /** Called when a commit succeeded or failed. @param milliseconds the commit's duration */
  committed?(succeeded: boolean, milliseconds: number): void;
  /** Called after a rebalance. @param milliseconds from the start of the drain to the new assignment */
  rebalanced?(report: DrainReport, milliseconds: number): void;
}
