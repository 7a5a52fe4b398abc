import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { ordersForScaling, type Backlog } from '../scaling/backlog.js';
import { ordersForVerdict } from './orders-for-verdict.js';

/**
 * What to do next in the step of the scaling.
 * - `wait`: a scaling is being measured
 * - `settle`: enough orders wait, but the producer sends, or did so a moment ago. It uses the same CPUs, so the rate before the scaling would
 *   be too low, and the verdict would count the end of the sending as a gain.
 * - `scale`: enough orders wait, and none is being sent
 * - `populate`: too few wait; `failure` says why the last scaling has no verdict, `null` when none has failed
 */
export type ScaleStep =
  | { readonly next: 'wait' }
  | { readonly next: 'settle' | 'scale'; readonly consumers: number }
  | {
      readonly next: 'populate';
      readonly orders: number;
      readonly consumers: number;
      readonly failure: string | null;
    };

/**
 * @param latest `null`: unknown
 * @param wereSent orders were sent within the time before a scaling that a verdict compares with, or still are
 */
export function scaleStep(latest: PipelineResponse | null, backlog: Backlog, wereSent: boolean): ScaleStep {
  const last = latest?.changes.findLast(isOfConsumers);
  if (latest?.scaling || last?.verdict === null) return { next: 'wait' };
  const consumers = (latest?.configuredConsumers ?? 1) + 1;
  const waiting = latest && ordersForScaling(latest, consumers, backlog);
  if (waiting && backlog.fullRate > 0 && waiting.waiting >= waiting.needed)
    return { next: wereSent ? 'settle' : 'scale', consumers };
  const orders = ordersForVerdict(latest ?? { consumers: null }, backlog.fullRate);
  return { next: 'populate', orders, consumers, failure: last?.verdict?.text ?? null };
}

/** Counts the changes of the number of consumers that have a verdict. One without says nothing on their effect. */
export function judgedScalings(changes: PipelineResponse['changes']): number {
  return changes.filter((change) => isOfConsumers(change) && (change.verdict?.outcome ?? 'unknown') !== 'unknown')
    .length;
}

function isOfConsumers({ kind, from, to }: PipelineResponse['changes'][number]): boolean {
  return kind === 'scaling' && from?.consumers !== to?.consumers;
}
