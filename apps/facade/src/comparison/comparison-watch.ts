import type { Capability } from '../stages/capability.js';
import type { FoundMismatch } from './mismatches.js';

/** How a comparison ended. `undecided`: writes never stopped; `unanswered`: a side was away. Neither is a sample. */
export type ComparisonOutcome = 'equal' | 'passed' | 'differs' | 'undecided' | 'unanswered';

/** Why a comparison was not made, or its finding not stored. */
export const DROP_REASONS = ['queue-full', 'overdue', 'rechecks-full', 'mismatches-full'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What a person can see of the comparisons: metrics and logs. */
export interface ComparisonWatch {
  ended(capability: Capability, outcome: ComparisonOutcome): void;
  dropped(reason: DropReason): void;
  found(mismatch: FoundMismatch): void;
  /** An error of the facade itself, or of MongoDB. */
  failed(error: unknown, capability: Capability): void;
  /** @param queued returns the number of queued comparisons */
  gauge(queued: () => number): void;
}
