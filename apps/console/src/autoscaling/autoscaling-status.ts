import { Counter, Gauge, type Registry } from 'prom-client';
import type { AutoscaleLimits } from '#autoscaling/capacity.js';
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

/**
 * Exports how many consumers the autoscaler wants, and its decisions by kind and reason. Only the console that decides counts decisions.
 * @returns counts a decision
 */
export function exposeAutoscaling(status: AutoscalingStatus, registry: Registry): (decision: KeptDecision) => void {
  const desired: Gauge = new Gauge({
    name: 'pipeline_desired_consumers',
    help: 'Consumers that the autoscaler wants; no sample while it is off or knows nothing',
    labelNames: ['mode'],
    registers: [registry],
    collect: () => {
      desired.reset();
      const { mode, latest } = status;
      if (mode !== 'off' && latest?.state != null) desired.set({ mode }, latest.state.wanted);
    },
  });
  const decisions = new Counter({
    name: 'pipeline_autoscaling_decisions_total',
    help: 'Decisions of the autoscaler that are kept: steps, verdicts, and new reasons to wait',
    labelNames: ['kind', 'reason'],
    registers: [registry],
  });
  return ({ kind, reason }) => decisions.inc({ kind, reason });
}
