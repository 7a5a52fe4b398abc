import { isHeard } from '../pipeline/pipeline-figures.js';
import type { PipelineSnapshot, SeenConsumer } from '../pipeline/pipeline-snapshots.js';

/** What a consumer told of itself, all since its start. */
export interface ConsumerProgress {
  /** When, in milliseconds, by the database's clock. */
  readonly at: number;
  readonly saved: number;
  readonly cpuSeconds: number;
  readonly rebalances: number;
}

/** What a look says of how the pipeline is run, and of what it achieves. */
export interface Observation {
  /** Milliseconds, of a clock that only runs forward. */
  readonly at: number;
  readonly consumers: number;
  readonly partitions: number;
  /** Of all consumers together. */
  readonly inFlight: number;
  readonly inFlightLimit: number;
  /** Records that no consumer has finished. */
  readonly lagRecords: number;
  /** What each consumer was set to; `null`: not all to the same. */
  readonly inFlightSet: number | 'auto' | null;
  readonly progress: ReadonlyMap<string, ConsumerProgress>;
  /** Of the busiest machine that a consumer runs on, 0 to 1. */
  readonly machineLoad: number;
}

/** @returns `undefined`: something of it is unknown */
export function observationOf({ at, ends, committed, consumers }: PipelineSnapshot): Observation | undefined {
  if (ends === null || committed === null || consumers === null) return undefined;
  const heard = consumers.filter(isHeard);
  const sum = (value: (consumer: (typeof heard)[number]) => number): number =>
    heard.reduce((total, consumer) => total + value(consumer), 0);
  return {
    at,
    consumers: heard.length,
    partitions: ends.size,
    inFlight: sum(({ inFlight }) => inFlight),
    inFlightLimit: sum(({ inFlightLimit }) => inFlightLimit),
    lagRecords: [...ends].reduce(
      (lag, [partition, end]) => lag + Math.max(0, end - (committed.get(partition) ?? 0)),
      0,
    ),
    inFlightSet: sameOf(heard.map(({ inFlightSet }) => inFlightSet)),
    progress: new Map(heard.map((consumer) => [consumer._id, progressOf(consumer)])),
    machineLoad: Math.max(0, ...heard.map(({ machineLoad }) => machineLoad)),
  };
}

function progressOf({ at, finished, deadLettered, cpuSeconds, rebalances }: SeenConsumer): ConsumerProgress {
  return { at: at.getTime(), saved: finished - deadLettered, cpuSeconds, rebalances };
}

function sameOf(settings: readonly (number | 'auto')[]): number | 'auto' | null {
  const [first = null] = settings;
  return settings.every((each) => each === first) ? first : null;
}
