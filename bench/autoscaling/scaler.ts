import type { SeededDay } from './seeded-day.js';
import { DAY_SECONDS } from './seeded-day.js';
import { SimulatedPipeline, type SimulatedSetUp } from './simulated-pipeline.js';

/** Decides each second how many consumers there should be. */
export interface Scaler {
  /** @returns the number wanted now */
  decide(pipeline: SimulatedPipeline): number;
}

/** How a day went. */
export interface DayFigures {
  readonly secondsBeyond: number;
  readonly consumerHours: number;
  readonly rebalances: number;
}

/** @param observe called after each second */
export function runDay(
  day: SeededDay,
  setUp: SimulatedSetUp,
  scaler: Scaler,
  observe?: (pipeline: SimulatedPipeline) => void,
): DayFigures {
  const pipeline = new SimulatedPipeline(day, setUp);
  for (let second = 0; second < DAY_SECONDS; second += 1) {
    pipeline.request(scaler.decide(pipeline));
    pipeline.advance();
    observe?.(pipeline);
  }
  const { secondsBeyond, consumerSeconds, rebalances } = pipeline;
  return { secondsBeyond, consumerHours: consumerSeconds / 3_600, rebalances };
}
