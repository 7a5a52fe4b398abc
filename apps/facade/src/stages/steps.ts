import type { Capability, Stage, WriteStage } from './capability.js';
import type { Move } from './changes.js';
import { positionOf, type MigrationSnapshot, type PendingChange } from './migration-snapshot.js';

/** Who makes a change, why, and until when it may take. */
export interface ChangeOrigin {
  readonly by: string;
  readonly reason: string;
  readonly now: Date;
  /** When an unfinished change is abandoned. */
  readonly deadline: Date;
  /** Why, if it is an automatic rollback. */
  readonly cause?: string;
}

/**
 * Begins a change: a change of reads is done at once; one of writes becomes pending.
 * Instances must acknowledge it when it begins or ends the time without intents, when one side may begin to lag, and when one stops
 * getting orders. Other changes are fenced by the epochs of the buckets alone.
 */
export function beginMove(snapshot: MigrationSnapshot, move: Move, origin: ChangeOrigin): MigrationSnapshot {
  const revision = snapshot.revision + 1;
  let next: MigrationSnapshot = { ...snapshot, revision };
  for (const { capability, stage } of move.readsBefore)
    next = withStage(next, { capability, stage, percent: 100 }, origin);
  if (move.capability !== 'writes') return withStage(next, move, origin);
  const { by, reason, deadline, cause } = origin;
  const stage = move.stage as WriteStage;
  const change: PendingChange = {
    step: needsAcknowledgement(snapshot, move) ? 'acknowledge' : 'buckets',
    stage,
    percent: move.percent,
    announced: revision,
    deadline,
    by,
    reason,
    ...(cause !== undefined && { cause }),
  };
  const legacyMayLag = snapshot.legacyMayLag || stage === 'live';
  next = { ...next, change, legacyMayLag };
  return change.step === 'buckets' ? withFence(next, change) : next;
}

/** Returns whether every facade instance must acknowledge a change before it takes effect. */
export function needsAcknowledgement(
  { capabilities }: MigrationSnapshot,
  { capability, stage: to, percent }: Move,
): boolean {
  const { stage: from, percent: before } = capabilities.writes;
  if (capability !== 'writes') return false;
  // The new side will miss orders: no instance may still read there by an older snapshot.
  if (from === to) return to === 'dualwrite' && percent < before;
  return from === 'off' || to === 'off' || to === 'complete' || (from === 'dualwrite' && to === 'live');
}

/** Goes on after all acknowledgements: sets what the buckets must say. */
export function raiseFence(snapshot: MigrationSnapshot, change: PendingChange): MigrationSnapshot {
  const next = { ...snapshot, revision: snapshot.revision + 1 };
  return withFence({ ...next, change: { ...change, step: 'buckets' } }, change);
}

function withFence(next: MigrationSnapshot, { stage, percent }: PendingChange): MigrationSnapshot {
  const period = next.fence?.period ?? next.revision;
  return { ...next, fence: { epoch: next.revision, period, stage, percent } };
}

/**
 * Goes on once the buckets say it: the change is done, or drains. Towards `off`, because the legacy system numbers orders again. To
 * more of `dualwrite`, because a verify must find on the legacy system all orders that the new side does not get.
 */
export function passBuckets(snapshot: MigrationSnapshot, change: PendingChange, now: Date): MigrationSnapshot {
  if (change.stage !== 'off' && !copiesMore(snapshot, change)) return finishChange(snapshot, change, now);
  return { ...snapshot, revision: snapshot.revision + 1, change: { ...change, step: 'drain' } };
}

/** Ends a pending change: writes are where it wanted them. */
export function finishChange(snapshot: MigrationSnapshot, change: PendingChange, now: Date): MigrationSnapshot {
  const { stage, percent } = change;
  const target = { capability: 'writes', stage, percent } as const;
  const next = withStage({ ...snapshot, revision: snapshot.revision + 1, change: null }, target, {
    now,
    ...(change.cause !== undefined && { cause: change.cause }),
  });
  return {
    ...next,
    fence: stage === 'off' ? null : next.fence,
    copyingSince: stage === 'off' ? null : copiesMore(snapshot, change) ? now : next.copyingSince,
  };
}

/** Returns whether the new side gets the orders of more accounts from now on. */
function copiesMore({ capabilities }: MigrationSnapshot, { stage, percent }: PendingChange): boolean {
  return stage === 'dualwrite' && positionOf('writes', { stage, percent }) > positionOf('writes', capabilities.writes);
}

/**
 * Abandons a pending change. Buckets that were closed for it open again; before that, there is nothing to take back, and
 * `legacyMayLag` stays set until it is found to be wrong.
 */
export function abandonChange(snapshot: MigrationSnapshot): MigrationSnapshot {
  const revision = snapshot.revision + 1;
  const { stage, percent } = snapshot.capabilities.writes;
  const { fence } = snapshot;
  const isRaised = fence !== null && (fence.stage !== stage || fence.percent !== percent);
  return {
    ...snapshot,
    revision,
    change: null,
    fence: isRaised && stage !== 'off' ? { ...fence, epoch: revision, stage, percent } : fence,
  };
}

function withStage(
  snapshot: MigrationSnapshot,
  { capability, stage, percent }: { readonly capability: Capability; readonly stage: Stage; readonly percent: number },
  { now, cause }: Pick<ChangeOrigin, 'now' | 'cause'>,
): MigrationSnapshot {
  const version = snapshot.capabilities[capability].version + 1;
  const state = { stage, percent, version, since: now, ...(cause !== undefined && { cause }) };
  return { ...snapshot, capabilities: { ...snapshot.capabilities, [capability]: state } };
}
