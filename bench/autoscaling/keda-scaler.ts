import type { Scaler } from './scaler.js';
import type { SimulatedPipeline } from './simulated-pipeline.js';

/** Kubernetes' HPA looks every 15 s, and KEDA's metric is as fresh as that. */
const EVERY_SECONDS = 15;
const TOLERANCE = 0.1;
const STABILISATION_SECONDS = 300;
/** HPA's default policy: at most doubles, or adds four, every 15 s. */
const MAX_ADDED = 4;
const MAX_FACTOR = 2;

/**
 * KEDA's Kafka scaler: `ceil(lag / threshold)`, by an HPA with its tolerance of 10 %, its limit on scaling up, and its scale-down stabilisation
 * of five minutes.
 */
export class KedaScaler implements Scaler {
  private wanted = 1;
  private readonly recommended: { readonly at: number; readonly count: number }[] = [];

  /** @param lagThreshold records per consumer */
  constructor(private readonly lagThreshold: number) {}

  decide({ second, lag, setUp }: SimulatedPipeline): number {
    if (second % EVERY_SECONDS !== 0) return this.wanted;
    const most = Math.min(setUp.maxConsumers, Math.max(MAX_FACTOR * this.wanted, this.wanted + MAX_ADDED));
    const ratio = lag / this.lagThreshold / this.wanted;
    const raw = Math.abs(ratio - 1) <= TOLERANCE ? this.wanted : Math.ceil(lag / this.lagThreshold);
    const count = Math.max(1, Math.min(most, raw));
    this.recommended.push({ at: second, count });
    while ((this.recommended[0]?.at ?? second) <= second - STABILISATION_SECONDS) this.recommended.shift();
    const highest = Math.max(...this.recommended.map((each) => each.count));
    this.wanted = count >= this.wanted ? count : Math.min(this.wanted, highest);
    return this.wanted;
  }
}
