import type { AutoscaleLimits } from '#autoscaling/autoscale-limits.js';
import type { KeptDecision, StoredAutoscaler } from './autoscaler-store.js';
import type { AutoscaleMode } from './autoscaling-settings.js';

/** What the autoscaler does now, for all who show it. */
export class AutoscalingStatus {
  /** What was decided last, here or by another console; `null`: nothing yet. */
  latest: StoredAutoscaler | null = null;
  /** The last decision that is kept; `null`: none since the start of this process. */
  newest: KeptDecision | null = null;
  /** Why the autoscaler can't act now; `null`: it can. */
  failure: string | null = null;
  /** Another console decides. */
  isStandby = false;
  private byHand: number | null = null;

  constructor(
    readonly mode: AutoscaleMode,
    readonly limits: AutoscaleLimits,
  ) {}

  /** A person has requested a number of consumers. */
  noteByHand(consumers: number): void {
    this.byHand = consumers;
  }

  /** Returns the number that a person has requested since the last call; `null`: none. */
  takeByHand(): number | null {
    const { byHand } = this;
    this.byHand = null;
    return byHand;
  }
}
