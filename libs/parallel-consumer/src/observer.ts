import type { DrainReport } from './status.js';

/** How an attempt ended; `abandoned`: it passed its time limit and the grace after it. */
export type AttemptOutcome = 'done' | 'retriable' | 'poison' | 'environment' | 'abandoned';

/** Told of what happens while it happens, synchronously: what it does must be cheap and must not throw. */
export interface Observer {
  /** Called for each attempt, milliseconds after its start. */
  attempted?(outcome: AttemptOutcome, milliseconds: number): void;
  /** A commit was acknowledged, or wasn't. */
  committed?(succeeded: boolean, milliseconds: number): void;
  /** A rebalance ended: from the drain before it to the new assignment. */
  rebalanced?(report: DrainReport, milliseconds: number): void;
}
