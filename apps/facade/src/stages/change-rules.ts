import { type GateCondition, needsGate } from './gate.js';
import {
  CAPABILITIES,
  stagesOf,
  type Capability,
  type Stage,
  type WriteStage,
  positionOf,
  READ_CAPABILITIES,
  type CapabilityState,
  type MigrationSnapshot,
  type PendingChange,
} from './stages.js';

/** Why a change is refused, by the HTTP status of the answer. The codes are stable. */
const REFUSAL_STATUSES = {
  'unknown-capability': 400,
  'unknown-stage': 400,
  'bad-percent': 400,
  'missing-reason': 400,
  held: 409,
  'change-in-progress': 409,
  'version-conflict': 409,
  unchanged: 409,
  irreversible: 409,
  'skipped-stage': 409,
  'writes-first': 409,
  'reads-first': 409,
  'gate-not-met': 409,
  'legacy-away': 409,
  'instances-missing': 409,
  'not-acknowledged': 409,
  'not-drained': 409,
} as const;

type RefusalCode = keyof typeof REFUSAL_STATUSES;

/** A change of the migration that is refused. Nothing has changed. */
export class ChangeRefusal extends Error {
  override readonly name = 'ChangeRefusal';

  /**
   * @param message what was wrong, and what to do
   * @param gate all conditions, if the gate was evaluated
   */
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly gate: readonly GateCondition[] = [],
  ) {
    super(message);
  }

  get status(): (typeof REFUSAL_STATUSES)[RefusalCode] {
    return REFUSAL_STATUSES[this.code];
  }
}

/** A requested change, as the client gave it. */
export interface ChangeRequest {
  readonly capability: string;
  readonly stage: string;
  /** Default: 100. */
  readonly percent?: number | undefined;
  /** Overrides the gate and missing acknowledgements, and takes reads back first. It does not override `irreversible`. */
  readonly force?: boolean | undefined;
  readonly reason: string;
  /** The version that the client has seen; absent: any. */
  readonly version?: number | undefined;
}

/** A change that the rules allow; the gate is still to be asked. */
export interface Move {
  readonly capability: Capability;
  readonly stage: Stage;
  readonly percent: number;
  readonly isForward: boolean;
  readonly needsGate: boolean;
  /** Reads that a forced or automatic change of writes takes back to `off` or `shadow` first. */
  readonly readsBefore: readonly { readonly capability: Capability; readonly stage: 'off' | 'shadow' }[];
}

const MAX_REASON_CHARACTERS = 500;

/**
 * Checks a change against all rules but the gate.
 * @throws ChangeRefusal
 */
export function checkChange(snapshot: MigrationSnapshot, request: ChangeRequest): Move {
  const move = readRequest(request);
  const { capability } = move;
  const state: CapabilityState = snapshot.capabilities[capability];
  rejectBusy(snapshot);
  if (request.version !== undefined && request.version !== state.version)
    throw new ChangeRefusal(
      'version-conflict',
      `${capability} has version ${state.version}, not ${request.version}: read it again`,
    );
  const from = positionOf(capability, state);
  const to = positionOf(capability, move);
  if (from === to) throw new ChangeRefusal('unchanged', `${capability} is at ${nameOf(state)} already`);
  const isForward = to > from;
  rejectIrreversible(snapshot, move, isForward);
  rejectSkippedStage(capability, state, move);
  const readsBefore = isForward ? [] : readsAhead(snapshot, move);
  if (isForward) rejectMissingWrites(snapshot, move);
  else if (readsBefore.length > 0 && request.force !== true)
    throw new ChangeRefusal(
      'reads-first',
      `take back ${readsBefore.map((read) => `${read.capability} to ${read.stage}`).join(', ')} first, or use force`,
    );
  return { ...move, isForward, needsGate: isForward && needsGate(move.stage), readsBefore };
}

/** @throws ChangeRefusal while the migration is held, or while a change is in progress */
function rejectBusy({ hold, change }: MigrationSnapshot): void {
  if (hold !== null)
    throw new ChangeRefusal(
      'held',
      `the migration is held by ${hold.by}: ${hold.reason}. Release it by POST /v1/migration/hold`,
    );
  if (change !== null)
    throw new ChangeRefusal(
      'change-in-progress',
      `writes are on the way to ${nameOf(change)}: wait until the change ends, at the latest at ${change.deadline.toISOString()}`,
    );
}

function readRequest({ capability: name, stage: stageName, percent = 100, reason }: ChangeRequest) {
  const capability = CAPABILITIES.find((each) => each === name);
  if (capability === undefined)
    throw new ChangeRefusal(
      'unknown-capability',
      `capability must be one of ${CAPABILITIES.join(', ')}, got ${shown(name)}`,
    );
  const stage = stagesOf(capability).find((each) => each === stageName);
  if (stage === undefined)
    throw new ChangeRefusal(
      'unknown-stage',
      `stage of ${capability} must be one of ${stagesOf(capability).join(', ')}, got ${shown(stageName)}`,
    );
  if (!Number.isInteger(percent) || percent < 1 || percent > 100)
    throw new ChangeRefusal('bad-percent', `percent must be an integer from 1 to 100, got ${shown(String(percent))}`);
  if (reason.trim() === '' || reason.length > MAX_REASON_CHARACTERS)
    throw new ChangeRefusal('missing-reason', `reason must have 1 to ${MAX_REASON_CHARACTERS} characters`);
  return { capability, stage, percent: stage === 'off' ? 100 : percent };
}

function rejectIrreversible(
  { capabilities }: MigrationSnapshot,
  { capability, stage }: StagePosition,
  isForward: boolean,
) {
  if (isForward || capabilities.writes.stage !== 'complete') return;
  // The legacy system no longer gets orders: it must not answer again, and a comparison with it means nothing.
  if (capability === 'writes' || stage !== 'complete')
    throw new ChangeRefusal(
      'irreversible',
      'writes are complete: the legacy system misses orders, so nothing can go back to it',
    );
}

function rejectSkippedStage(capability: Capability, state: CapabilityState, { stage, percent }: StagePosition): void {
  const stages = stagesOf(capability);
  const steps = stages.indexOf(stage) - stages.indexOf(state.stage);
  const isWhole = steps > 0 ? state.percent === 100 || state.stage === 'off' : percent === 100;
  if (steps === 0 || (Math.abs(steps) === 1 && isWhole)) return;
  throw new ChangeRefusal(
    'skipped-stage',
    `${capability} is at ${nameOf(state)}: it moves one stage at a time, and changes its stage from and to 100 % only, got ${nameOf({ stage, percent })}`,
  );
}

/** @throws ChangeRefusal if the target would not have what it must answer, or if the legacy system is still read */
function rejectMissingWrites({ capabilities }: MigrationSnapshot, { capability, stage }: StagePosition): void {
  const { writes } = capabilities;
  if (capability === 'writes') {
    const behind = READ_CAPABILITIES.filter((read) => {
      const { stage: readStage, percent } = capabilities[read];
      return readStage !== 'complete' || percent !== 100;
    });
    if (stage === 'complete' && behind.length > 0)
      throw new ChangeRefusal(
        'reads-first',
        `complete ${behind.join(', ')} first: the legacy system will get no more orders`,
      );
    return;
  }
  const isCopied = writes.stage !== 'off' && (writes.stage !== 'dualwrite' || writes.percent === 100);
  if (writes.stage === 'off')
    throw new ChangeRefusal('writes-first', 'bring writes to dualwrite first: the target gets no orders');
  if (stage !== 'shadow' && !isCopied)
    throw new ChangeRefusal(
      'writes-first',
      'bring writes to dualwrite at 100 % first: the target misses orders of some accounts',
    );
}

/** Returns the reads that need more of writes than a change would leave. */
function readsAhead(
  { capabilities }: MigrationSnapshot,
  { capability, stage, percent }: StagePosition,
): Move['readsBefore'] {
  if (capability !== 'writes' || (stage !== 'off' && stage !== 'dualwrite')) return [];
  if (stage === 'dualwrite' && percent === 100) return [];
  const allowed = stage === 'off' ? 'off' : 'shadow';
  return READ_CAPABILITIES.filter(
    (read) => stagesOf(read).indexOf(capabilities[read].stage) > stagesOf(read).indexOf(allowed),
  ).map((read) => ({ capability: read, stage: allowed }));
}

type StagePosition = Pick<Move, 'capability' | 'stage' | 'percent'>;

/** Returns a stage and its percentage, for people. */
export function nameOf({ stage, percent }: Pick<CapabilityState, 'stage' | 'percent'>): string {
  return stage === 'off' ? 'off' : `${stage} at ${percent} %`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

/** Who makes a change, why, and until when it may take. */
interface ChangeOrigin {
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
  // The target will miss orders: no instance may still read there by an older snapshot.
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
 * more of `dualwrite`, because a verify must find on the legacy system all orders that the target does not get.
 */
export function passBuckets(snapshot: MigrationSnapshot, change: PendingChange, now: Date): MigrationSnapshot {
  if (change.stage !== 'off' && !copiesMore(snapshot, change)) return finishChange(snapshot, change, now);
  return { ...snapshot, revision: snapshot.revision + 1, change: { ...change, step: 'drain' } };
}

/** Ends a pending change: writes have reached its stage. */
export function finishChange(snapshot: MigrationSnapshot, change: PendingChange, now: Date): MigrationSnapshot {
  const { stage, percent } = change;
  const reached = { capability: 'writes', stage, percent } as const;
  const next = withStage({ ...snapshot, revision: snapshot.revision + 1, change: null }, reached, {
    now,
    ...(change.cause !== undefined && { cause: change.cause }),
  });
  return {
    ...next,
    fence: stage === 'off' ? null : next.fence,
    copyingSince: stage === 'off' ? null : copiesMore(snapshot, change) ? now : next.copyingSince,
  };
}

/** Returns whether the target gets the orders of more accounts from now on. */
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
