import { AutoscalePolicy } from '#autoscaling/autoscale-policy.js';
import type { AutoscaleState, ConsumerCount, LoadObservation } from '#autoscaling/autoscale-state.js';
import type { Decision } from '#autoscaling/decision.js';
import { toLoadObservation } from '../../apps/console/src/autoscaling/autoscaler.js';
import type { Observation, ObservedConsumer } from '../../apps/console/src/changes/observation.js';
import { PipelineChanges } from '../../apps/console/src/changes/pipeline-changes.js';
import { oraclePlan, SLOT_SECONDS } from './oracle-plan.js';
import {
  DAY_SECONDS,
  RATE_PER_CONSUMER,
  runDay,
  type Scaler,
  type SeededDay,
  SET_UP,
  type SimulatedPipeline,
  type SimulatedSetUp,
} from './simulated-day.js';

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

const IN_FLIGHT_PER_CONSUMER = 1_000;
const SAVE_SECONDS = IN_FLIGHT_PER_CONSUMER / RATE_PER_CONSUMER;
/** The console's rates are those of the last seconds. */
const WINDOW_SECONDS = 5;
const MACHINE_LOAD = 0.5;
const CPU_SHARE = 0.2;

/** Observes a simulated pipeline as the console observes a real one, and judges its changes with the console's own code. */
export class ObservedPipeline {
  private readonly changes = new PipelineChanges();
  private recent: { readonly arrived: number; readonly saved: number }[] = [];
  private savedByEach = new Map<string, number>();

  constructor(private readonly pipeline: SimulatedPipeline) {}

  /** Observes the last second. */
  observe(): LoadObservation | ConsumerCount {
    const { arrived, saved, wanted } = this.pipeline;
    this.recent = [...this.recent.slice(1 - WINDOW_SECONDS), { arrived, saved }];
    const observation = this.observation();
    this.changes.add(observation);
    const mean = (value: (second: { arrived: number; saved: number }) => number): number =>
      this.recent.reduce((sum, each) => sum + value(each), 0) / this.recent.length;
    const load = {
      observation,
      producedPerSecond: mean((each) => each.arrived),
      savedPerSecond: mean((each) => each.saved),
      changes: this.changes.list(wanted),
      isDisturbed: false,
    };
    return toLoadObservation(load, { at: observation.at, consumers: wanted, byHand: null });
  }

  private observation(): Observation {
    const { second, lag, saved, working, starting, isPaused, setUp, rebalances } = this.pipeline;
    const inFlightLimit = working * IN_FLIGHT_PER_CONSUMER;
    const inFlight = this.inFlight(inFlightLimit);
    this.addSaves(saved, working);
    const at = second * 1_000;
    const consumers = new Map<string, ObservedConsumer>();
    for (let n = 0; n < working + starting; n += 1) {
      const state = n >= working ? 'starting' : isPaused ? 'rebalancing' : 'ready';
      const partitions = Array.from({ length: setUp.partitions }, (_, partition) => partition).filter(
        (partition) => n < working && partition % working === n,
      );
      const name = nameOf(n);
      const counters = { saved: this.savedByEach.get(name) ?? 0, cpuSeconds: second * CPU_SHARE, rebalances };
      consumers.set(name, { name, state, partitions, silentMs: 0, heartbeatAt: at, ...counters });
    }
    const set = { inFlightSet: IN_FLIGHT_PER_CONSUMER, machineLoad: MACHINE_LOAD, partitions: setUp.partitions };
    return { at, consumers, inFlight, inFlightLimit, lagRecords: lag + inFlight, ...set };
  }

  /** Little's law, unless more wait than the consumers can take: then they are full, and saves take longer if they are fewer. */
  private inFlight(limit: number): number {
    const { isPaused, isBoundByKeys, lag, saved } = this.pipeline;
    if (isPaused) return 0;
    return lag > 0 && !isBoundByKeys ? limit : Math.min(limit, (saved * SAVE_SECONDS) / this.pipeline.speed);
  }

  private addSaves(saved: number, working: number): void {
    const saves = Array.from(
      { length: working },
      (_, n) => [nameOf(n), (this.savedByEach.get(nameOf(n)) ?? 0) + saved / working] as const,
    );
    this.savedByEach = new Map(saves);
  }
}

function nameOf(n: number): string {
  return `consumer-${n + 1}`;
}

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

/** The same number all day. */
export class FixedScaler implements Scaler {
  constructor(private readonly count: number) {}

  decide(): number {
    return this.count;
  }
}

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

/** Share of one consumer's rate that the busy keys allow, and what arrives of it. */
const CEILING = 0.6 * RATE_PER_CONSUMER;
const ARRIVAL = 0.9 * RATE_PER_CONSUMER;

/** Returns the steps of the policy on a day on which few keys are active: more consumers never help. */
export function keyBoundSteps(): string[] {
  const day: SeededDay = {
    seed: 0,
    arrivals: new Float64Array(DAY_SECONDS).fill(ARRIVAL),
    speeds: new Float64Array(DAY_SECONDS).fill(1),
    ceilings: new Float64Array(DAY_SECONDS).fill(CEILING),
    events: [],
  };
  const scaler = new PolicyScaler();
  runDay(day, SET_UP, scaler);
  return scaler.decisions.filter(({ kind }) => kind !== 'keep').map(({ kind, from, to }) => `${kind} ${from} → ${to}`);
}
