import { isAlive } from '../../src/consumers/consumer-state.js';
import { backlogForVerdict } from '../../src/changes/verdict-timing.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

/** What is known about the orders to save beside the state of the pipeline. */
export interface Backlog {
  /** Saved per second while there is enough work; 0: nothing was saved yet. */
  readonly fullRate: number;
  /** Orders of running operations that are not in Kafka yet. */
  readonly unsent: number;
}

export interface OrdersForScaling {
  /** Orders that must wait, so that the scaling can have a verdict. */
  readonly needed: number;
  /** Orders that wait in Kafka, or will soon. */
  readonly waiting: number;
}

/**
 * Compares the orders that a verdict on a scaling needs with those that wait. All advice on a scaling uses it, so that no two contradict each other.
 * @param count the number of consumers to scale to
 * @returns `null` when that is the current number, or figures are unknown
 */
export function ordersForScaling(
  { consumers, configuredConsumers: from, lagRecords }: PipelineResponse,
  count: number,
  { fullRate, unsent }: Backlog,
): OrdersForScaling | null {
  if (consumers === null || from === null || from === 0 || from === count || lagRecords === null) return null;
  const inFlightLimit = consumers.reduce((sum, each) => sum + (isAlive(each) ? (each.inFlightLimit ?? 0) : 0), 0);
  const needed = backlogForVerdict({ savedPerSecond: fullRate, from, to: count, inFlightLimit });
  return { needed, waiting: lagRecords + unsent };
}
