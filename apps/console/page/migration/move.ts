import type { CapabilityState, GateCondition, Migration } from './facade-api.js';
import { CAPABILITIES, neighbourOf, type Capability, type Stage } from './capability.js';

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

/** The percentage that a form begins with: few keys when the new side begins to answer. */
export function suggestedPercent({ kind, stage, from }: Move): number {
  if (kind === 'percentage') return from.percent === 100 ? 50 : 100;
  return stage === 'live' ? 10 : 100;
}

/** Returns whether the facade asks the gate: each step forward within or to `live` and `complete`. */
export function needsGate({ kind, stage, from }: Move, percent: number): boolean {
  const isForward = kind === 'promote' || (kind === 'percentage' && percent > from.percent);
  return isForward && (stage === 'live' || stage === 'complete');
}

/** Returns the conditions that do not hold. */
export function unmetOf(gate: readonly GateCondition[]): readonly GateCondition[] {
  return gate.filter(({ holds }) => !holds);
}

/** Returns whether nothing can take a change back, and whether nothing overrules these conditions of it. */
export function isIrreversible({ capability, stage, kind }: Move): boolean {
  return capability === 'writes' && stage === 'complete' && kind !== 'rollback';
}

const BINDING = new Set(['verify', 'open-intents']);

/** Returns the unmet conditions that a user may overrule. Those of the last step of writes bind for ever. */
export function overrulable(move: Move, unmet: readonly GateCondition[]): readonly GateCondition[] {
  const bound = isIrreversible(move) ? unmet.filter(({ condition }) => BINDING.has(condition)) : [];
  return bound.length > 0 ? [] : unmet;
}
