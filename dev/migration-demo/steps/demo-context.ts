import type { DemoStack } from '../demo-stack.js';
import type { AwayTimes } from '../load/away-times.js';
import type { Traffic } from '../load/traffic.js';
import type { MigrationApi } from '../migration-api.js';
import type { Target } from './plan.js';
import type { GateCondition } from '../../../apps/facade/src/stages/gate.js';

/** A gate as it was when a capability passed it, and the durations that the facade had measured of both sides. */
export interface PassedGate {
  readonly target: Target;
  /** Seconds since the start of the demo. */
  readonly atSeconds: number;
  readonly conditions: readonly GateCondition[];
  readonly p50Ms: BySide;
  readonly p99Ms: BySide;
}

type BySide = { readonly legacy: number | null; readonly new: number | null };

/** How the planted bug was caught. */
export interface CaughtBug {
  readonly capability: string;
  readonly key: string;
  readonly path: string;
  readonly field: string;
  /** The values of both sides as JSON, shortened; `missing` without one. */
  readonly legacy: string;
  readonly new: string;
  /** From the begin of shadow. */
  readonly afterSeconds: number;
  /** The conditions that kept the gate closed. */
  readonly unmet: readonly string[];
}

export interface RolledBack {
  /** Writes that the legacy system did not have when the rollback was requested. */
  readonly openWrites: number;
  /** Acknowledged orders that it did not have once it had caught up. */
  readonly missing: number;
  readonly checked: number;
  readonly secondsToRollBack: number;
  readonly secondsToCatchUp: number;
}

/** What steps find out for the report. */
export interface DemoFindings {
  readonly gates: PassedGate[];
  caught: CaughtBug | undefined;
  rolledBack: RolledBack | undefined;
  /** When writes became complete, in milliseconds since 1970. */
  completeSince: number;
  /** When reads last went to shadow, by `performance.now()`. */
  shadowSince: number;
}

/** What steps work with. */
export interface DemoContext {
  readonly stack: DemoStack;
  readonly api: MigrationApi;
  readonly traffic: Traffic;
  readonly away: AwayTimes;
  readonly findings: DemoFindings;
  /** Seconds since the start of the demo. */
  readonly elapsed: () => number;
  readonly signal: AbortSignal;
}
