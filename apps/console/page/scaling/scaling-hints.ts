import { isAlive } from '../../src/consumers/consumer-state.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { figure, plural } from '../text/figures.js';
import { ordersForScaling, type Backlog } from './backlog.js';

export interface Hint {
  readonly isWarning: boolean;
  readonly text: string;
}

/** A limit that is used to this share is what bounds the rate, if there is enough work. */
const USED_UP = 0.8;

/**
 * Says how many orders a verdict on this scaling needs, and whether so many wait.
 * @param count the number of consumers to scale to
 * @returns `null` when that is the current number, or figures are unknown
 */
export function verdictHint(latest: PipelineResponse, count: number, backlog: Backlog): Hint | null {
  const orders = ordersForScaling(latest, count, backlog);
  if (orders === null || latest.savedPerSecond === null) return null;
  const { needed, waiting } = orders;
  if (backlog.fullRate === 0 && waiting === 0)
    return { isWarning: true, text: 'No verdict possible now: nothing is being saved. Populate first.' };
  if (latest.savedPerSecond === 0 && waiting > 0)
    return {
      isWarning: true,
      text: 'No verdict possible yet: it compares with the rate before, and nothing is saved yet. Wait some seconds.',
    };
  const text = `A verdict on ${plural(count, 'consumer')} needs about ${figure(needed)} waiting orders at ${figure(backlog.fullRate)} saved/s`;
  return waiting >= needed
    ? { isWarning: false, text: `${text}; there are enough.` }
    : { isWarning: true, text: `${text}, and ${figure(waiting)} wait: populate more first.` };
}

/**
 * Suggests the auto limit when a fixed limit bounds the rate.
 * @returns `null` when it does not, when a change is being measured, when the auto limit was tried and did not help, or when the last
 * verdict names CPU as the bound: more in flight would not be faster, and the hint would contradict the verdict beside it
 */
export function autoLimitHint({ consumers, changes, scaling, lagRecords }: PipelineResponse): string | null {
  const alive = consumers?.filter((each) => isAlive(each)) ?? [];
  const isChanging = scaling !== null || alive.some(({ state }) => state !== 'ready' && state !== 'idle');
  const isMeasured = changes.some(({ kind, verdict }) => kind === 'scaling' && verdict === null);
  const hasFailed = changes.some(
    ({ from, to, verdict }) =>
      from?.inFlight !== 'auto' && to?.inFlight === 'auto' && ['slower', 'no-gain'].includes(verdict?.outcome ?? ''),
  );
  const judged = changes.findLast(({ verdict }) => (verdict?.outcome ?? 'unknown') !== 'unknown');
  const isCpuBound = judged?.verdict?.bound === 'cpu';
  const limits = alive.flatMap(({ inFlightSet }) => (typeof inFlightSet === 'number' ? [inFlightSet] : []));
  if (isChanging || isMeasured || hasFailed || isCpuBound) return null;
  if (limits.length === 0 || limits.length < alive.length) return null;
  const inFlight = alive.reduce((sum, each) => sum + (each.inFlight ?? 0), 0);
  const limit = limits.reduce((sum, each) => sum + each, 0);
  if (inFlight < USED_UP * limit || (lagRecords ?? 0) < 2 * limit) return null;
  return `The limit of ${figure(Math.max(...limits))} per consumer is used up, and ${figure((lagRecords ?? 0) - inFlight)} orders wait. The auto limit may be faster: try it, and the verdict shows the effect.`;
}
