import { hash } from 'node:crypto';
import type { SideName } from '../sides/side.js';

/** What moves from the legacy system to the target, each by its own stages. */
export const CAPABILITIES = ['writes', 'read-by-id', 'read-by-page', 'read-by-range'] as const;
export type Capability = (typeof CAPABILITIES)[number];
export type ReadCapability = Exclude<Capability, 'writes'>;

/** A value for each capability. */
export type ByCapability<T> = Readonly<Record<Capability, T>>;

/** Makes a value for each capability. */
export function byCapability<T>(valueOf: (capability: Capability) => T): ByCapability<T> {
  return Object.fromEntries(CAPABILITIES.map((capability) => [capability, valueOf(capability)])) as ByCapability<T>;
}

/**
 * The stages of writes. `off`: only the legacy system. `dualwrite`: the legacy system is the primary, which answers, and the target the
 * secondary. `live`: the other way round. `complete`: only the target, for ever.
 */
export const WRITE_STAGES = ['off', 'dualwrite', 'live', 'complete'] as const;
export type WriteStage = (typeof WRITE_STAGES)[number];

/**
 * The stages of a kind of read. `off`: the legacy system answers. `shadow`: it answers, and both answers are compared. `live`: the
 * target answers, and both are compared. `complete`: only the target.
 */
export const READ_STAGES = ['off', 'shadow', 'live', 'complete'] as const;
export type ReadStage = (typeof READ_STAGES)[number];

/** Whether the answers of a read are compared. Both sides get all orders meanwhile: writes leave them no earlier. */
export function isComparedStage(stage: ReadStage): boolean {
  return stage === 'shadow' || stage === 'live';
}

export type Stage = WriteStage | ReadStage;

/** Returns whether the target answers at a stage: `live` and `complete`. */
export function targetAnswers(stage: Stage | WriteMode): boolean {
  return stage === 'live' || stage === 'complete';
}

/** Returns the primary at a stage: the side that answers. */
export function primarySide(stage: Stage): SideName {
  return targetAnswers(stage) ? 'new' : 'legacy';
}

/** Returns the stages of a capability, in their order. */
export function stagesOf(capability: 'writes'): typeof WRITE_STAGES;
export function stagesOf(capability: ReadCapability): typeof READ_STAGES;
export function stagesOf(capability: Capability): readonly Stage[];
export function stagesOf(capability: Capability): readonly Stage[] {
  return capability === 'writes' ? WRITE_STAGES : READ_STAGES;
}

/** Number of buckets. Keys hash into the same buckets for all capabilities. */
export const BUCKETS = 1_024;

/** Returns the bucket of a key, from 0 to 1,023: of an account for writes, of what is asked for (`readKey`) for reads. */
export function bucketOf(key: string): number {
  // SHA-256 costs about a microsecond for a short key, and spreads keys that differ in one digit.
  return hash('sha256', key, 'buffer').readUInt32BE() % BUCKETS;
}

/** Returns whether a percentage includes a bucket. It takes the lowest buckets, so that a higher one only adds keys. */
export function isWithin(bucket: number, percent: number): boolean {
  return bucket < (percent * BUCKETS) / 100;
}

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
 * - `drain`: waits until the legacy system has all admitted orders; towards more of `dualwrite`, those that the target doesn't get.
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
   * Whether the legacy system may miss orders that the target has acknowledged: from before the first such order until all have
   * been written there too.
   */
  readonly legacyMayLag: boolean;
  /** When the target last began to get the orders of more accounts; a verify from before does not cover them. */
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
type WriteRoute = 'unfenced' | 'paused' | 'fenced';

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

/**
 * How the orders of a bucket are written. `closed`: not at all, before and after `off`. `legacy-only`: beyond the percentage of
 * `dualwrite`; numbered by the facade, but not written to the target.
 */
export type WriteMode = 'closed' | 'legacy-only' | 'dualwrite' | 'live' | 'complete';

/** The primary of each mode, which answers a write, and the secondary, to which the outbox writes it. */
export const SIDES_OF_MODE: Readonly<
  Record<Exclude<WriteMode, 'closed'>, { readonly primary: SideName; readonly secondary: SideName | null }>
> = {
  'legacy-only': { primary: 'legacy', secondary: null },
  dualwrite: { primary: 'legacy', secondary: 'new' },
  live: { primary: 'new', secondary: 'legacy' },
  complete: { primary: 'new', secondary: null },
};

/** Returns the mode of a bucket at a stage of writes. */
export function writeModeOf(
  bucket: number,
  position: { readonly stage: WriteStage; readonly percent: number },
): WriteMode {
  const stage = stageOfBucket('writes', position, bucket);
  if (stage !== 'off') return stage;
  return position.stage === 'off' ? 'closed' : 'legacy-only';
}

/** What the migration state says about a read. */
export interface StageOfRead {
  readonly stage: ReadStage;
  /** The version of the capability's state, to which samples count. */
  readonly version: number;
}
