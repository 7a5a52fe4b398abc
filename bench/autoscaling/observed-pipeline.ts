import type { ConsumerCount, LoadObservation } from '#autoscaling/autoscale-state.js';
import { toLoadObservation } from '../../apps/console/src/autoscaling/autoscaler.js';
import type { Observation, ObservedConsumer } from '../../apps/console/src/changes/observation.js';
import { PipelineChanges } from '../../apps/console/src/changes/pipeline-changes.js';
import { RATE_PER_CONSUMER } from './seeded-day.js';
import type { SimulatedPipeline } from './simulated-pipeline.js';

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
