import type { Observation } from './observation.js';

/** What some seconds without a change come to. */
export interface ObservationWindow {
  readonly seconds: number;
  readonly consumers: number;
  readonly partitions: number;
  /** Of all consumers together. */
  readonly inFlightLimit: number;
  /** It finds itself: what it is says nothing of what it could be. */
  readonly isSearched: boolean;
  readonly savedPerSecond: number;
  /** How full the consumers' windows were, 0 to 1. */
  readonly used: number;
  /** There was more to do than the consumers could take, all the time. */
  readonly hadWork: boolean;
  /** Of the busiest consumer: cores in use. */
  readonly consumerCores: number;
  /** Of the busiest machine, 0 to 1. */
  readonly machineLoad: number;
}

/** @param observations in the order of time, of the same set-up. @returns `undefined`: too few of them */
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
    consumers: last.consumers,
    partitions: last.partitions,
    inFlightLimit: last.inFlightLimit,
    isSearched: last.inFlightSet === 'auto',
    savedPerSecond,
    used: last.inFlightLimit === 0 ? 0 : mean(({ inFlight }) => inFlight) / last.inFlightLimit,
    hadWork: observations.every((each) => hasWork(each)),
    consumerCores: Math.max(0, ...rates.map(({ cores }) => cores)),
    machineLoad: mean(({ machineLoad }) => machineLoad),
  };
}

/** As much again waits as is in flight, so that a consumer that has room finds something to fill it. */
export function hasWork({ lagRecords, inFlight }: Observation): boolean {
  return lagRecords - inFlight >= Math.max(1, inFlight);
}

/** By the times at which the consumers told of themselves, which are not those of the looks. */
function ratesBetween(first: Observation, last: Observation): { readonly saved: number; readonly cores: number }[] {
  return [...last.progress].flatMap(([id, now]) => {
    const before = first.progress.get(id);
    if (before === undefined || now.at <= before.at) return [];
    const seconds = (now.at - before.at) / 1_000;
    return { saved: (now.saved - before.saved) / seconds, cores: (now.cpuSeconds - before.cpuSeconds) / seconds };
  });
}
