import { isAlive, type ConsumerState } from '../consumers/consumer-state.js';
import type { WatchedConsumer, WatchedSnapshot } from '../consumers/consumer-watch.js';

/** Counters of a consumer since its start, from its heartbeat. */
export interface ConsumerProgress {
  /** Time of the heartbeat in milliseconds, by MongoDB's clock. */
  readonly at: number;
  readonly saved: number;
  readonly cpuSeconds: number;
  readonly rebalances: number;
}

export interface ObservedConsumer {
  readonly name: string;
  readonly state: ConsumerState;
  /** The partitions in its last heartbeat. */
  readonly partitions: readonly number[];
  /** Milliseconds since its last heartbeat. */
  readonly silentMs: number;
}

/** The configuration and the throughput of the pipeline in one snapshot. */
export interface Observation {
  /** Milliseconds since 1970, of a monotonic clock. */
  readonly at: number;
  /** All consumers by id, also dead ones. */
  readonly consumers: ReadonlyMap<string, ObservedConsumer>;
  readonly partitions: number;
  /** Sum over all consumers that are alive, as the other figures. */
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
export function toObservation({ at, ends, committed, consumers }: WatchedSnapshot): Observation | undefined {
  if (ends === null || committed === null || consumers === null) return undefined;
  const alive = consumers.filter((each) => isAlive(each));
  const sum = (value: (consumer: WatchedConsumer) => number): number =>
    alive.reduce((total, consumer) => total + value(consumer), 0);
  return {
    at,
    consumers: new Map(consumers.map((consumer) => [consumer._id, toObservedConsumer(consumer)])),
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

/** Returns whether no consumer starts, drains or waits for its partitions. */
export function isCalm({ consumers }: Observation): boolean {
  return [...consumers.values()].every(({ state }) => ['ready', 'idle', 'waiting', 'late', 'dead'].includes(state));
}

/** Returns whether consumers that are alive own all of these partitions. */
export function areOwned({ consumers }: Observation, wanted: readonly number[]): boolean {
  const owned = new Set([...consumers.values()].filter(isAlive).flatMap(({ partitions }) => partitions));
  return wanted.every((partition) => owned.has(partition));
}

function toObservedConsumer({ name, state, partitions, ageMs }: WatchedConsumer): ObservedConsumer {
  return { name, state, partitions: partitions.map(({ partition }) => partition), silentMs: ageMs };
}

function toProgress({ at, finished, deadLettered, cpuSeconds, rebalances }: WatchedConsumer): ConsumerProgress {
  return { at: at.getTime(), saved: finished - deadLettered, cpuSeconds, rebalances };
}

function commonValue(settings: readonly (number | 'auto')[]): number | 'auto' | null {
  const [first = null] = settings;
  return settings.every((each) => each === first) ? first : null;
}
