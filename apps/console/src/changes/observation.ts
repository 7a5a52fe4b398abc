import { isAlive } from '../pipeline/pipeline-figures.js';
import type { PipelineSnapshot, SeenConsumer } from '../pipeline/pipeline-snapshots.js';

/** Counters of a consumer since its start, from its heartbeat. */
export interface ConsumerProgress {
  /** Time of the heartbeat in milliseconds, by MongoDB's clock. */
  readonly at: number;
  readonly saved: number;
  readonly cpuSeconds: number;
  readonly rebalances: number;
}

/** The configuration and the throughput of the pipeline in one snapshot. */
export interface Observation {
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  readonly consumers: number;
  readonly partitions: number;
  /** Sum over all consumers. */
  readonly inFlight: number;
  readonly inFlightLimit: number;
  /** Records that are not committed. */
  readonly lagRecords: number;
  /** The configured limit of each consumer; `null`: they differ. */
  readonly inFlightSet: number | 'auto' | null;
  readonly progress: ReadonlyMap<string, ConsumerProgress>;
  /** Load of the busiest machine that runs a consumer, 0 to 1. */
  readonly machineLoad: number;
}

/** Derives an observation from a snapshot. @returns `undefined` when a part of the snapshot is unknown */
export function toObservation({ at, ends, committed, consumers }: PipelineSnapshot): Observation | undefined {
  if (ends === null || committed === null || consumers === null) return undefined;
  const alive = consumers.filter(isAlive);
  const sum = (value: (consumer: (typeof alive)[number]) => number): number =>
    alive.reduce((total, consumer) => total + value(consumer), 0);
  return {
    at,
    consumers: alive.length,
    partitions: ends.size,
    inFlight: sum(({ inFlight }) => inFlight),
    inFlightLimit: sum(({ inFlightLimit }) => inFlightLimit),
    lagRecords: [...ends].reduce(
      (lag, [partition, end]) => lag + Math.max(0, end - (committed.get(partition) ?? 0)),
      0,
    ),
    inFlightSet: commonValue(alive.map(({ inFlightSet }) => inFlightSet)),
    progress: new Map(alive.map((consumer) => [consumer._id, toProgress(consumer)])),
    machineLoad: Math.max(0, ...alive.map(({ machineLoad }) => machineLoad)),
  };
}

function toProgress({ at, finished, deadLettered, cpuSeconds, rebalances }: SeenConsumer): ConsumerProgress {
  return { at: at.getTime(), saved: finished - deadLettered, cpuSeconds, rebalances };
}

function commonValue(settings: readonly (number | 'auto')[]): number | 'auto' | null {
  const [first = null] = settings;
  return settings.every((each) => each === first) ? first : null;
}
