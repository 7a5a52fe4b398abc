import { isAlive } from '../../src/consumers/consumer-state.js';
import { backlogForVerdict } from '../../src/changes/verdict-timing.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { figure, plural } from '../text/figures.js';

export interface Hint {
  readonly isWarning: boolean;
  readonly text: string;
}

/** A limit that is used to this share is what bounds the rate, if there is enough work. */
const USED_UP = 0.8;

/**
 * Returns how much backlog a verdict on this scaling needs.
 * @param count the number of consumers to scale to
 * @returns `null` when that is the current number, or figures are unknown
 */
export function verdictHint(latest: PipelineResponse, count: number): Hint | null {
  const alive = latest.consumers?.filter((each) => isAlive(each)) ?? [];
  const { savedPerSecond, lagRecords } = latest;
  if (alive.length === 0 || alive.length === count || savedPerSecond === null || lagRecords === null) return null;
  if (savedPerSecond === 0)
    return { isWarning: true, text: 'No verdict possible now: nothing is being saved. Populate first.' };
  const inFlightLimit = alive.reduce((sum, each) => sum + (each.inFlightLimit ?? 0), 0);
  const needed = backlogForVerdict({ savedPerSecond, from: alive.length, to: count, inFlightLimit });
  const text = `A verdict on ${plural(count, 'consumer')} needs a lag of about ${figure(needed)} at ${figure(savedPerSecond)} saved/s`;
  return lagRecords >= needed
    ? { isWarning: false, text: `${text}; there is enough.` }
    : { isWarning: true, text: `${text}, and it is ${figure(lagRecords)}: populate more first.` };
}

/**
 * Suggests the auto limit when a fixed limit bounds the rate.
 * @returns `null` when it does not, when a change is being measured, or when the auto limit was tried and did not help
 */
export function autoLimitHint({ consumers, changes, scaling, lagRecords }: PipelineResponse): string | null {
  const alive = consumers?.filter((each) => isAlive(each)) ?? [];
  const isChanging = scaling !== null || alive.some(({ state }) => state !== 'ready' && state !== 'idle');
  const isMeasured = changes.some(({ kind, verdict }) => kind === 'scaling' && verdict === null);
  const hasFailed = changes.some(
    ({ from, to, verdict }) =>
      from?.inFlight !== 'auto' && to?.inFlight === 'auto' && ['slower', 'no-gain'].includes(verdict?.outcome ?? ''),
  );
  const limits = alive.flatMap(({ inFlightSet }) => (typeof inFlightSet === 'number' ? [inFlightSet] : []));
  if (isChanging || isMeasured || hasFailed || limits.length === 0 || limits.length < alive.length) return null;
  const inFlight = alive.reduce((sum, each) => sum + (each.inFlight ?? 0), 0);
  const limit = limits.reduce((sum, each) => sum + each, 0);
  if (inFlight < USED_UP * limit || (lagRecords ?? 0) < 2 * limit) return null;
  return `The limit of ${figure(Math.max(...limits))} per consumer is used up, and ${figure((lagRecords ?? 0) - inFlight)} orders wait. The auto limit may be faster: try it, and the verdict shows the effect.`;
}
