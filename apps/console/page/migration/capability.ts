import type { CapabilityState, Migration, GateCondition } from '#api/facade.js';

export type Capability = keyof Migration['capabilities'];
export type Stage = CapabilityState['stage'];

/** What moves by stages of its own, with the name that the page shows. */
export const CAPABILITIES: Readonly<Record<Capability, string>> = {
  writes: 'Writes',
  'read-by-id': 'Reads by id',
  'read-by-page': 'Reads by page',
  'read-by-range': 'Reads by range',
};

export const CAPABILITY_NAMES = Object.keys(CAPABILITIES) as readonly Capability[];

const WRITE_STAGES: readonly Stage[] = ['off', 'dualwrite', 'live', 'complete'];
const READ_STAGES: readonly Stage[] = ['off', 'shadow', 'live', 'complete'];

/** Returns the stages of a capability, in their order. */
export function stagesOf(capability: Capability): readonly Stage[] {
  return capability === 'writes' ? WRITE_STAGES : READ_STAGES;
}

/** Returns the stage before or after a stage; `undefined` if there is none. */
export function neighbourOf(capability: Capability, stage: Stage, by: 1 | -1): Stage | undefined {
  const stages = stagesOf(capability);
  return stages[stages.indexOf(stage) + by];
}

/** Names a state, such as `live at 25 %`. */
export function stateText({ stage, percent }: Pick<CapabilityState, 'stage' | 'percent'>): string {
  return stage === 'off' ? 'off' : `${stage} at ${percent} %`;
}

/** A change that a user can ask for: to the next stage, to other keys of the present one, or to the stage before. */
export interface Move {
  readonly kind: 'promote' | 'percentage' | 'rollback';
  readonly capability: Capability;
  readonly from: CapabilityState;
  readonly stage: Stage;
}

/** Returns the changes that the rules of the stages may allow now. The facade decides. */
export function movesOf(capability: Capability, { capabilities }: Migration): readonly Move[] {
  const from = capabilities[capability];
  const { stage, percent } = from;
  const next = neighbourOf(capability, stage, 1);
  const before = neighbourOf(capability, stage, -1);
  const isFinal = capabilities.writes.stage === 'complete';
  const moves: Move[] = [];
  if (next !== undefined && (percent === 100 || stage === 'off'))
    moves.push({ kind: 'promote', capability, from, stage: next });
  if (stage !== 'off' && !(isFinal && percent === 100)) moves.push({ kind: 'percentage', capability, from, stage });
  if (before !== undefined && !isFinal) moves.push({ kind: 'rollback', capability, from, stage: before });
  return moves;
}

const VERBS = { promote: 'Promote', percentage: 'Change percentage', rollback: 'Roll back' } as const;

/** The button that asks for a change, without its “…”. */
export function verbOf({ kind }: Move): string {
  return VERBS[kind];
}

/** The heading of the dialog of a change, such as `Promote reads by id to live`. */
export function titleOf(move: Move): string {
  const name = CAPABILITIES[move.capability].toLowerCase();
  if (move.kind === 'percentage') return `Change the percentage of ${name} at ${move.stage}`;
  return `${verbOf(move)} ${name} to ${move.stage}`;
}

/** The percentage that a form begins with: few keys when the target begins to answer. */
export function suggestedPercent({ kind, stage, from }: Move): number {
  if (kind === 'percentage') return from.percent === 100 ? 50 : 100;
  return stage === 'live' ? 10 : 100;
}

/** Returns whether the facade asks the gate: each step forward within or to `live` and `complete`. */
export function needsGate({ kind, stage, from }: Move, percent: number): boolean {
  const isForward = kind === 'promote' || (kind === 'percentage' && percent > from.percent);
  return isForward && (stage === 'live' || stage === 'complete');
}

/** Returns the conditions that are not met. */
export function unmetOf(gate: readonly GateCondition[]): readonly GateCondition[] {
  return gate.filter(({ holds }) => !holds);
}

/** Returns whether nothing can take a change back, and whether nothing overrides these conditions of it. */
export function isIrreversible({ capability, stage, kind }: Move): boolean {
  return capability === 'writes' && stage === 'complete' && kind !== 'rollback';
}

const BINDING = new Set(['verify', 'open-intents']);

/** Returns the unmet conditions that a user may override. Those of the last step of writes bind for ever. */
export function overridable(move: Move, unmet: readonly GateCondition[]): readonly GateCondition[] {
  const bound = isIrreversible(move) ? unmet.filter(({ condition }) => BINDING.has(condition)) : [];
  return bound.length > 0 ? [] : unmet;
}

type Meanings = Readonly<Partial<Record<Stage, (share: string) => string>>>;

const OF_READS: Meanings = {
  off: () => 'The legacy system answers all of these reads, and nothing is compared.',
  shadow: (share) =>
    `The legacy system answers. The answers to ${share} of these reads are compared with the target’s in the background.`,
  live: (share) =>
    `The target answers ${share} of these reads, and each answer is compared with the legacy system’s. The facade rolls back to shadow automatically when the target fails or differs.`,
  complete: (share) => `The target answers ${share} of these reads, and nothing is compared any more.`,
};

const OF_WRITES: Meanings = {
  off: () =>
    'New orders go to the legacy system only, and it assigns the numbers again. The target misses them: the next attempt needs another backfill and verify.',
  dualwrite: (share) =>
    `The legacy system answers. New orders of ${share} of the accounts are written to the target too, and the facade assigns the numbers.`,
  live: (share) =>
    `The target answers the writes of ${share} of the accounts, and the legacy system is the secondary. During the hand-over, their writes wait up to 2 s, then get 503.`,
  complete: (share) => `The legacy system gets no more orders of ${share} of the accounts.`,
};

const FINAL = 'This is final: neither a rollback nor force returns anything to the legacy system from then on.';
const COUNTED_ANEW = 'Samples, mismatches and latencies are counted anew from this change on.';

/** Says in sentences what a change means for the clients of the legacy system. @param percent of the keys; 100 for a rollback */
export function meaningOf(move: Move, percent: number): readonly string[] {
  const meanings = move.capability === 'writes' ? OF_WRITES : OF_READS;
  const share = percent === 100 ? 'all' : `${percent} %`;
  // “all of these reads”, “25 % of these reads”: both read well.
  return [meanings[move.stage]?.(share) ?? '', isIrreversible(move) ? FINAL : COUNTED_ANEW];
}
