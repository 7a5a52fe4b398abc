import { describe, expect, it } from '@jest/globals';
import { DAY_SECONDS, RATE_PER_CONSUMER, seededDay, type SeededDay } from './seeded-day.js';
import { SET_UP, SimulatedPipeline } from './simulated-pipeline.js';

function dayOf(arrival: number, ceiling = Number.POSITIVE_INFINITY): SeededDay {
  return {
    seed: 0,
    arrivals: new Float64Array(DAY_SECONDS).fill(arrival),
    speeds: new Float64Array(DAY_SECONDS).fill(1),
    ceilings: new Float64Array(DAY_SECONDS).fill(ceiling),
    events: [],
  };
}

function advance(pipeline: SimulatedPipeline, seconds: number): SimulatedPipeline {
  for (let passed = 0; passed < seconds; passed += 1) pipeline.advance();
  return pipeline;
}

describe('the simulated pipeline', () => {
  it('saves as fast as its consumers, and keeps the rest', () => {
    const pipeline = advance(new SimulatedPipeline(dayOf(1.5 * RATE_PER_CONSUMER), SET_UP), 100);
    expect(pipeline.saved).toBe(RATE_PER_CONSUMER);
    expect(pipeline.lag).toBe(50 * RATE_PER_CONSUMER);
  });

  it('starts consumers for some seconds, and then stops all saves for the pause of the rebalance', () => {
    const pipeline = new SimulatedPipeline(dayOf(5 * RATE_PER_CONSUMER), SET_UP);
    pipeline.request(4);
    expect(advance(pipeline, SET_UP.startSeconds)).toMatchObject({ working: 1, saved: RATE_PER_CONSUMER, starting: 3 });
    expect(advance(pipeline, SET_UP.pauseSeconds)).toMatchObject({ working: 4, saved: 0, starting: 0 });
    expect(advance(pipeline, 1)).toMatchObject({ saved: 4 * RATE_PER_CONSUMER, rebalances: 1 });
    expect(pipeline.consumerSeconds).toBe(4 * (SET_UP.startSeconds + SET_UP.pauseSeconds + 1));
  });

  it('counts the seconds in which the oldest order is older than the goal', () => {
    const pipeline = new SimulatedPipeline(dayOf(2 * RATE_PER_CONSUMER), SET_UP);
    // With twice the load, the oldest order is half as old as the load.
    advance(pipeline, 2 * SET_UP.drainSeconds);
    expect(pipeline.secondsBeyond).toBe(0);
    advance(pipeline, 100);
    expect(pipeline.secondsBeyond).toBeGreaterThan(90);
  });

  it('is bound by keys, whatever the number of consumers', () => {
    const pipeline = new SimulatedPipeline(dayOf(2_000, 1_000), SET_UP, 4);
    expect(advance(pipeline, 10)).toMatchObject({ saved: 1_000, isBoundByKeys: true });
  });
});

it('the same seed gives the same day, and another one another', () => {
  expect(seededDay(1)).toEqual(seededDay(1));
  expect(seededDay(1).arrivals).not.toEqual(seededDay(2).arrivals);
});
