import type { Finding } from '../../checks/evidence.js';

/** What became of one fault in one column. */
export interface CellResult {
  readonly column: string;
  readonly kind: string;
  readonly subject: string;
  /** From the beginning of the fault to its end. */
  readonly lastedMs: number;
  /** From the end of the fault until everything worked and no intent was open; `null`: not within the limit. */
  readonly recoveredMs: number | null;
  /** Requests of clients from the beginning of the fault to the recovery that were answered, and that failed. */
  readonly answered: number;
  readonly failed: number;
  /** Whether the migration rolled itself back. */
  readonly rolledBack: boolean;
}

/** The result of one journey from `off` to `complete`. */
export interface JourneyResult {
  readonly seed: number;
  readonly journey: number;
  readonly commit: string;
  readonly tookMs: number;
  readonly cells: readonly CellResult[];
  readonly findings: readonly Finding[];
  readonly acknowledged: number;
  readonly readsAnswered: number;
  /** Failed requests that the contract allows, by their code. */
  readonly allowed: Readonly<Record<string, number>>;
  /** Refusals of changes, by code, and how often a change was asked for again. */
  readonly refusals: Readonly<Record<string, number>>;
}
