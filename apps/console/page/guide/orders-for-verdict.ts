import { backlogForVerdict } from '../../src/changes/verdict-timing.js';
import { isAlive } from '../../src/consumers/consumer-state.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

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
