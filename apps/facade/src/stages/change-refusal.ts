import type { GateCondition } from './gate.js';

/** Why a change is refused, by the HTTP status of the answer. The codes are stable. */
export const REFUSAL_STATUSES = {
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

export type RefusalCode = keyof typeof REFUSAL_STATUSES;

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
