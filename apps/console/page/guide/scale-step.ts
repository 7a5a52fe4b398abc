import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { ordersForScaling, type Backlog } from '../scaling/backlog.js';
import { ordersForVerdict } from './orders-for-verdict.js';

/**
 * What to do next in the step of the scaling.
 * - `wait`: a scaling is being measured
 * - `scale`: enough orders wait
 * - `populate`: too few wait; `failure` says why the last scaling has no verdict, `null` when none has failed
 */
export type ScaleStep =
  | { readonly next: 'wait' }
  | { readonly next: 'scale'; readonly consumers: number }
  | {
      readonly next: 'populate';
      readonly orders: number;
      readonly consumers: number;
      readonly failure: string | null;
    };

/** @param latest `null`: unknown */
export function scaleStep(latest: PipelineResponse | null, backlog: Backlog): ScaleStep {
  const last = latest?.changes.findLast(isOfConsumers);
  if (latest?.scaling || last?.verdict === null) return { next: 'wait' };
  const consumers = (latest?.configuredConsumers ?? 1) + 1;
  const waiting = latest && ordersForScaling(latest, consumers, backlog);
  if (waiting && backlog.fullRate > 0 && waiting.waiting >= waiting.needed) return { next: 'scale', consumers };
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
