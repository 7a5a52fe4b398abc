import { oraclePlan, SLOT_SECONDS } from './oracle-plan.js';
import type { Scaler } from './scaler.js';
import type { SeededDay } from './seeded-day.js';
import type { SimulatedPipeline, SimulatedSetUp } from './simulated-pipeline.js';

/** Knows the load. It requests consumers so much earlier that they have started when the plan needs them. */
export class OracleScaler implements Scaler {
  private readonly plan: Uint8Array;

  constructor(day: SeededDay, setUp: SimulatedSetUp) {
    this.plan = oraclePlan(day, setUp);
  }

  decide({ second, wanted, setUp }: SimulatedPipeline): number {
    const ahead = this.at(second + setUp.startSeconds);
    if (ahead > wanted) return ahead;
    const now = this.at(second);
    return now < wanted && ahead < wanted ? now : wanted;
  }

  private at(second: number): number {
    return this.plan[Math.min(this.plan.length - 1, Math.floor(second / SLOT_SECONDS))] ?? 1;
  }
}
