import { CAPABILITIES, stagesOf, type Capability, type ReadStage, type Stage, type WriteStage } from './capability.js';
import { isWithin } from './buckets.js';

/** Where a capability is. */
export interface CapabilityState<S extends Stage = Stage> {
  readonly stage: S;
  /** 1 to 100: these keys are at `stage`, the others at the stage before. */
  readonly percent: number;
  /** Counts the changes of this capability. */
  readonly version: number;
  readonly since: Date;
  /** Why the last change was an automatic rollback; absent after any other change. */
  readonly cause?: string;
}

/**
 * A change of writes that is not finished.
 * - `acknowledge`: waits until every facade instance has applied the snapshot that announced it.
 * - `buckets`: raises the epochs of the buckets, which fences writes of the stage before.
 * - `drain`: waits until the legacy system has all admitted orders; towards more of `dualwrite`, those that the new side doesn't get.
 */
export interface PendingChange {
  readonly step: 'acknowledge' | 'buckets' | 'drain';
  readonly stage: WriteStage;
  readonly percent: number;
  /** The revision that instances must have applied. */
  readonly announced: number;
  /** When it is abandoned unless it is finished. */
  readonly deadline: Date;
  readonly by: string;
  readonly reason: string;
  /** The cause that the capability keeps, if this is an automatic rollback. */
  readonly cause?: string;
}

/** What the bucket documents must say. */
export interface Fence {
  /** The epoch of the buckets. */
  readonly epoch: number;
  /** The epoch at which writes last left `off`: number blocks of an earlier period are void. */
  readonly period: number;
  readonly stage: WriteStage;
  readonly percent: number;
}

/** The whole state of the migration: one document, so that every change of any part of it is one compare-and-set. */
export interface MigrationSnapshot {
  /** Counts all changes. */
  readonly revision: number;
  readonly hold: { readonly by: string; readonly reason: string; readonly since: Date } | null;
  readonly capabilities: {
    readonly [C in Capability]: CapabilityState<C extends 'writes' ? WriteStage : ReadStage>;
  };
  readonly change: PendingChange | null;
  /** `null` in `off`: writes go to the legacy system without MongoDB. */
  readonly fence: Fence | null;
  /**
   * Whether the legacy system may miss orders that the new side has acknowledged: from before the first such order until all have
   * been written there too.
   */
  readonly legacyMayLag: boolean;
  /** When the new side last began to get the orders of more accounts; a verify from before proves nothing about them. */
  readonly copyingSince: Date | null;
}

/** The state before any migration. */
export function initialSnapshot(now: Date): MigrationSnapshot {
  const off = { stage: 'off', percent: 100, version: 1, since: now } as const;
  return {
    revision: 1,
    hold: null,
    capabilities: { writes: off, 'read-by-id': off, 'read-by-page': off, 'read-by-range': off },
    change: null,
    fence: null,
    legacyMayLag: false,
    copyingSince: null,
  };
}

/** Returns the stage of the keys in a bucket. */
export function stageOfBucket<S extends Stage>(
  capability: Capability,
  { stage, percent }: Pick<CapabilityState<S>, 'stage' | 'percent'>,
  bucket: number,
): S {
  if (isWithin(bucket, percent)) return stage;
  const stages: readonly Stage[] = stagesOf(capability);
  return (stages[stages.indexOf(stage) - 1] ?? stage) as S;
}

/** How an instance treats a write: it goes to the legacy system directly, waits for a change, or needs admission. */
export type WriteRoute = 'unfenced' | 'paused' | 'fenced';

export function writeRoute({ fence, change }: MigrationSnapshot): WriteRoute {
  if (fence === null) return change === null ? 'unfenced' : 'paused';
  return fence.stage === 'off' ? 'paused' : 'fenced';
}

/** Returns the position of a state among all states of its capability; a later one compares as greater. */
export function positionOf(capability: Capability, { stage, percent }: Pick<CapabilityState, 'stage' | 'percent'>) {
  const index = stagesOf(capability).indexOf(stage);
  // All percentages of the first stage are the same.
  return index === 0 ? 0 : (index - 1) * 100 + percent;
}

export const READ_CAPABILITIES = CAPABILITIES.filter((capability) => capability !== 'writes');
