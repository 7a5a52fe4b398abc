import { AutoscalePolicy } from '#autoscaling/autoscale-policy.js';
import type { AutoscaleState } from '#autoscaling/autoscale-state.js';
import type { Decision } from '#autoscaling/decision.js';
import { ObservedPipeline } from './observed-pipeline.js';
import type { Scaler } from './scaler.js';
import type { SimulatedPipeline } from './simulated-pipeline.js';

/** A decision, and when. */
export interface TimedDecision extends Decision {
  readonly second: number;
}

/** The policy of `libs/autoscaling`, with what the console observes. */
export class PolicyScaler implements Scaler {
  /** The steps, and the verdicts on them. */
  readonly decisions: TimedDecision[] = [];
  private observed: ObservedPipeline | undefined;
  private policy: AutoscalePolicy | undefined;
  private state: AutoscaleState | null = null;

  decide(pipeline: SimulatedPipeline): number {
    const { second, setUp, wanted } = pipeline;
    const { maxConsumers, drainSeconds } = setUp;
    const limits = { minConsumers: 1, maxConsumers, drainSeconds };
    this.observed ??= new ObservedPipeline(pipeline);
    this.policy ??= new AutoscalePolicy({ limits, isApplied: true, foreignCounts: 'hold' });
    const { state, decision } = this.policy.next(this.state, this.observed.observe());
    this.state = state;
    if (decision.kind !== 'keep' || decision.verdict !== null) this.decisions.push({ ...decision, second });
    return state?.wanted ?? wanted;
  }
}
