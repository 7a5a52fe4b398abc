import type { ConsumerCount, LoadObservation, StepVerdict } from '#autoscaling/load-observation.js';
import { isCalm, type Observation } from '../changes/observation.js';
import { hasWork } from '../changes/observation-window.js';
import type { PipelineChange } from '../changes/pipeline-changes.js';
import { isAlive } from '../consumers/consumer-state.js';

/** What the console knows at one moment, as the policy needs it; `null`: unknown. */
export interface ObservedLoad {
  /** `undefined`: a part of the snapshot is unknown. */
  readonly observation: Observation | undefined;
  readonly producedPerSecond: number | null;
  readonly savedPerSecond: number | null;
  readonly changes: readonly PipelineChange[];
  /** The figures show the effect of a crash. */
  readonly isDisturbed: boolean;
}

/** @returns only the number of consumers when a figure of the load is unknown */
export function toLoadObservation(
  { observation, producedPerSecond, savedPerSecond, isDisturbed, changes }: ObservedLoad,
  count: ConsumerCount,
): LoadObservation | ConsumerCount {
  if (observation === undefined || producedPerSecond === null || savedPerSecond === null) return count;
  const { at, partitions, lagRecords, inFlight, inFlightLimit, consumers } = observation;
  const alive = [...consumers.values()].filter((each) => isAlive(each));
  return {
    ...count,
    at,
    partitions,
    lagRecords,
    arrivalPerSecond: producedPerSecond,
    savedPerSecond,
    used: inFlightLimit === 0 ? 0 : inFlight / inFlightLimit,
    hasWork: hasWork(observation),
    isCalm: isCalm(observation) && !isDisturbed,
    isSuspended: alive.length > 0 && alive.every(({ state }) => state === 'waiting'),
    verdict: lastVerdict(changes),
  };
}

/** The verdict on the last change of the number of consumers, if it has one. */
function lastVerdict(changes: readonly PipelineChange[]): StepVerdict | null {
  const last = changes.findLast(({ from, to }) => from !== null && to !== null && from.consumers !== to.consumers);
  if (last === undefined || last.from === null || last.to === null || last.verdict === null) return null;
  const { outcome, factor, bound } = last.verdict;
  return { from: last.from.consumers, to: last.to.consumers, at: last.at, outcome, factor, bound };
}
