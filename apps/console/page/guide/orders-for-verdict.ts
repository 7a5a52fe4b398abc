import { backlogForVerdict } from '../../src/changes/verdict-timing.js';
import { isAlive } from '../../src/consumers/consumer-state.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

/** Enough for one consumer with the default settings on two cores, which saves up to 12,000 orders per second once all are sent. */
const USUAL = 900_000;
/** From the request to populate until the user has pressed “Scale”: all orders are sent, and some seconds have passed. */
const HANDS_ON_SECONDS = 30;
const UNIT = 100_000;
/** The most that one populate accepts. */
const MAX = 10_000_000;

/**
 * Returns how many orders to populate before a consumer is added, so that the scaling has a verdict.
 * @param highestRate saved per second, the highest that was recorded; 0: none
 */
export function ordersForVerdict({ consumers }: Pick<PipelineResponse, 'consumers'>, highestRate: number): number {
  const alive = consumers?.filter((each) => isAlive(each)) ?? [];
  if (alive.length === 0) return USUAL;
  const inFlightLimit = alive.reduce((sum, each) => sum + (each.inFlightLimit ?? 0), 0);
  const plan = { savedPerSecond: highestRate, from: alive.length, to: alive.length + 1, inFlightLimit };
  const needed = backlogForVerdict(plan) + HANDS_ON_SECONDS * highestRate;
  return Math.min(MAX, Math.max(USUAL, UNIT * Math.ceil(needed / UNIT)));
}
