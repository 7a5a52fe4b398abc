import { recordsBetween } from '#orders/topics/topics.js';
import { isAlive, type ConsumerState } from '../pipeline/consumer-state.js';
import type { WatchedConsumer, WatchedSnapshot } from '../pipeline/consumer-watch.js';

export interface ObservedConsumer {
  readonly name: string;
  readonly state: ConsumerState;
  /** The partitions in its last heartbeat. */
  readonly partitions: readonly number[];
  /** Milliseconds since its last heartbeat. */
  readonly silentMs: number;
  /** Time of its last heartbeat in milliseconds, by MongoDB's clock. */
  readonly heartbeatAt: number;
  /** Since its start, as the other counters. */
  readonly saved: number;
  readonly cpuSeconds: number;
  readonly rebalances: number;
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
    lagRecords: recordsBetween(committed, ends),
    inFlightSet: commonValue(alive.map(({ inFlightSet }) => inFlightSet)),
    machineLoad: Math.max(0, ...alive.map(({ machineLoad }) => machineLoad)),
  };
}

/** Returns the consumers that run, as far as is known, by id. */
export function livingOf({ consumers }: Observation): ReadonlyMap<string, ObservedConsumer> {
  return new Map([...consumers].filter(([, each]) => isAlive(each)));
}

/** Returns whether no consumer starts, drains or waits for its partitions. */
export function isCalm({ consumers }: Observation): boolean {
  return [...consumers.values()].every(({ state }) => ['ready', 'idle', 'waiting', 'late', 'dead'].includes(state));
}

/** Returns whether consumers that are alive own all of these partitions. */
export function areOwned(observation: Observation, wanted: readonly number[]): boolean {
  const owned = new Set([...livingOf(observation).values()].flatMap(({ partitions }) => partitions));
  return wanted.every((partition) => owned.has(partition));
}

function toObservedConsumer(consumer: WatchedConsumer): ObservedConsumer {
  const { name, state, partitions, ageMs, at, finished, deadLettered, cpuSeconds, rebalances } = consumer;
  return {
    name,
    state,
    partitions: partitions.map(({ partition }) => partition),
    silentMs: ageMs,
    heartbeatAt: at.getTime(),
    saved: finished - deadLettered,
    cpuSeconds,
    rebalances,
  };
}

function commonValue(settings: readonly (number | 'auto')[]): number | 'auto' | null {
  const [first = null] = settings;
  return settings.every((each) => each === first) ? first : null;
}

/** Averages over some seconds without a change of the configuration. */
export interface ObservationWindow {
  readonly seconds: number;
  readonly consumers: number;
  readonly partitions: number;
  /** Sum over all consumers. */
  readonly inFlightLimit: number;
  /** The limit is `auto`: its current value does not show how far it could rise. */
  readonly isAuto: boolean;
  readonly savedPerSecond: number;
  /** Mean share of the in-flight limit in use, 0 to 1. */
  readonly used: number;
  /** There were more records than the consumers could process, all the time. */
  readonly hadWork: boolean;
  /** CPU cores that the busiest consumer uses. */
  readonly consumerCores: number;
  /** Load of the busiest machine, 0 to 1. */
  readonly machineLoad: number;
}

/**
 * Averages observations.
 * @param observations in chronological order, all with the same configuration
 * @returns `undefined` when there are too few
 */
export function observationWindow(observations: readonly Observation[]): ObservationWindow | undefined {
  const [first, last] = [observations[0], observations.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return undefined;
  const seconds = (last.at - first.at) / 1_000;
  const rates = ratesBetween(first, last);
  const savedPerSecond = rates.reduce((sum, { saved }) => sum + saved, 0);
  const mean = (value: (observation: Observation) => number): number =>
    observations.reduce((sum, each) => sum + value(each), 0) / observations.length;
  return {
    seconds,
    consumers: livingOf(last).size,
    partitions: last.partitions,
    inFlightLimit: last.inFlightLimit,
    isAuto: last.inFlightSet === 'auto',
    savedPerSecond,
    used: last.inFlightLimit === 0 ? 0 : mean(({ inFlight }) => inFlight) / last.inFlightLimit,
    hadWork: observations.every((each) => hasWork(each)),
    consumerCores: Math.max(0, ...rates.map(({ cores }) => cores)),
    machineLoad: mean(({ machineLoad }) => machineLoad),
  };
}

/**
 * Returns whether so many records wait that a consumer with free capacity can fill it: as many as are in flight, and half as many as may be.
 * At the end of a backlog some partitions are empty before the others, and fewer are in flight each second: that is no rate of the pipeline.
 */
export function hasWork({ lagRecords, inFlight, inFlightLimit }: Observation): boolean {
  return lagRecords - inFlight >= Math.max(1, inFlight, inFlightLimit / 2);
}

/** Uses the times of the heartbeats, which differ from those of the snapshots. */
function ratesBetween(first: Observation, last: Observation): { readonly saved: number; readonly cores: number }[] {
  const earlier = livingOf(first);
  return [...livingOf(last)].flatMap(([id, now]) => {
    const before = earlier.get(id);
    if (before === undefined || now.heartbeatAt <= before.heartbeatAt) return [];
    const seconds = (now.heartbeatAt - before.heartbeatAt) / 1_000;
    return { saved: (now.saved - before.saved) / seconds, cores: (now.cpuSeconds - before.cpuSeconds) / seconds };
  });
}
