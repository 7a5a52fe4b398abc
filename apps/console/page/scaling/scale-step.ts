import { backlogForVerdict } from '../../src/changes/verdict-timing.js';
import { isAlive } from '../../src/pipeline/consumer-state.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { ordersForScaling, type Backlog } from './scaling-hints.js';

/** Enough for one consumer with the default settings on two cores, which saves up to 12,000 orders per second once all are sent. */
const USUAL = 700_000;
/** The mean of the default `--save-ms`. It bounds the rate while nothing was saved yet. */
const USUAL_SAVE_SECONDS = 0.5;
/** How much faster a consumer may save once the producer no longer takes CPU from it (measured: 7,000 and 12,000 orders/s). */
const FASTER_AFTER_SENDING = 1.7;
/** From the request to populate until the user has pressed “Scale”: all orders are sent, and some seconds have passed. */
const HANDS_ON_SECONDS = 30;
const UNIT = 100_000;
/** The most that one populate accepts. */
const MAX = 10_000_000;

/**
 * Returns how many orders to populate before a consumer is added, so that the scaling has a verdict.
 * @param fullRate saved per second while there was enough work, perhaps while orders were sent; 0: nothing was saved yet
 */
export function ordersForVerdict({ consumers }: Pick<PipelineResponse, 'consumers'>, fullRate: number): number {
  const alive = consumers?.filter((each) => isAlive(each)) ?? [];
  if (alive.length === 0) return USUAL;
  const inFlightLimit = alive.reduce((sum, each) => sum + (each.inFlightLimit ?? 0), 0);
  const rate = fullRate === 0 ? inFlightLimit / USUAL_SAVE_SECONDS : FASTER_AFTER_SENDING * fullRate;
  const plan = { savedPerSecond: rate, from: alive.length, to: alive.length + 1, inFlightLimit };
  const needed = backlogForVerdict(plan) + HANDS_ON_SECONDS * rate;
  return Math.min(MAX, UNIT * Math.ceil(needed / UNIT));
}

/**
 * What to do next in the step of the scaling.
 * - `wait`: a scaling is being measured
 * - `settle`: enough orders wait, but the producer sends, or did so a moment ago. It uses the same CPUs, so the rate before the scaling would
 *   be too low, and the verdict would count the end of the sending as a gain.
 * - `scale`: enough orders wait, and none is being sent
 * - `populate`: too few wait; `failure` says why the last scaling has no verdict, `null` when none has failed
 */
type ScaleStep =
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
