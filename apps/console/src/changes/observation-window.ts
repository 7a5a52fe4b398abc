import { isAlive } from '../consumers/consumer-state.js';
import type { Observation } from './observation.js';

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
    consumers: [...last.consumers.values()].filter((each) => isAlive(each)).length,
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
  return [...last.progress].flatMap(([id, now]) => {
    const before = first.progress.get(id);
    if (before === undefined || now.at <= before.at) return [];
    const seconds = (now.at - before.at) / 1_000;
    return { saved: (now.saved - before.saved) / seconds, cores: (now.cpuSeconds - before.cpuSeconds) / seconds };
  });
}
