import type { LoadObservation, StepVerdict } from '#autoscaling/load-observation.js';
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
  /** How many consumers there should be. */
  readonly configured: number | null;
  readonly byHand: number | null;
}

/** @returns `null` when a figure is unknown */
export function toLoadObservation(load: ObservedLoad): LoadObservation | null {
  const { observation, producedPerSecond, savedPerSecond, configured, isDisturbed, byHand } = load;
  if (observation === undefined || producedPerSecond === null || savedPerSecond === null || configured === null)
    return null;
  const { at, partitions, lagRecords, inFlight, inFlightLimit, consumers } = observation;
  const alive = [...consumers.values()].filter((each) => isAlive(each));
  return {
    at,
    consumers: configured,
    partitions,
    lagRecords,
    arrivalPerSecond: producedPerSecond,
    savedPerSecond,
    used: inFlightLimit === 0 ? 0 : inFlight / inFlightLimit,
    hasWork: hasWork(observation),
    isCalm: isCalm(observation) && !isDisturbed,
    isSuspended: alive.length > 0 && alive.every(({ state }) => state === 'waiting'),
    verdict: lastVerdict(load.changes),
    byHand,
  };
}

/** The verdict on the last change of the number of consumers, if it has one. */
function lastVerdict(changes: readonly PipelineChange[]): StepVerdict | null {
  const last = changes.findLast(({ from, to }) => from !== null && to !== null && from.consumers !== to.consumers);
  if (last === undefined || last.from === null || last.to === null || last.verdict === null) return null;
  const { outcome, factor, bound } = last.verdict;
  return { from: last.from.consumers, to: last.to.consumers, at: last.at, outcome, factor, bound };
}
