import type { AutoscaleState } from '#autoscaling/autoscale-state.js';
import type { Decision } from '#autoscaling/decision.js';
import type { AutoscaleMode } from './autoscaling-settings.js';

/** A decision that is kept: a step, a verdict, or a new reason to wait. */
export interface KeptDecision extends Decision {
  /** A UUIDv7: ids are in the order of the decisions. */
  readonly id: string;
  readonly at: Date;
  readonly mode: AutoscaleMode;
}

/** What the process that decides has stored last. */
export interface StoredAutoscaler {
  readonly mode: AutoscaleMode;
  /** `null`: nothing was observed yet. */
  readonly state: AutoscaleState | null;
  /** What was decided with the last observation. */
  readonly decision: Decision;
}

/** Keeps the state of the policy, so that one process of several decides, and the next one goes on from there. */
export interface AutoscalerStore {
  /**
   * Takes the lease unless another process has it.
   * @returns what was stored last, and whether this process may decide
   */
  take(): Promise<{ readonly isHeld: boolean; readonly stored: StoredAutoscaler | null }>;
  /** Renews the lease and stores the state, unless another process has the lease. */
  save(stored: StoredAutoscaler): Promise<{
    readonly isHeld: boolean;
    /** A person has asked to end a hold since the last save. */
    readonly isResumeRequested: boolean;
  }>;
  /** Gives the lease up, so that another process decides at once. */
  release(): Promise<void>;
  keep(decision: KeptDecision): Promise<void>;
  /** Returns kept decisions, newest first. @param before only those before the one with this id */
  list(before: string | undefined, limit: number): Promise<KeptDecision[]>;
  /** Asks the process that decides to end a hold. */
  requestResume(): Promise<void>;
}
