import { PolicyScaler } from './policy-scaler.js';
import { runDay } from './scaler.js';
import { DAY_SECONDS, RATE_PER_CONSUMER, type SeededDay } from './seeded-day.js';
import { SET_UP } from './simulated-pipeline.js';

/** Share of one consumer's rate that the busy keys allow, and what arrives of it. */
const CEILING = 0.6 * RATE_PER_CONSUMER;
const ARRIVAL = 0.9 * RATE_PER_CONSUMER;

/** Returns the steps of the policy on a day on which few keys are active: more consumers never help. */
export function keyBoundSteps(): string[] {
  const day: SeededDay = {
    seed: 0,
    arrivals: new Float64Array(DAY_SECONDS).fill(ARRIVAL),
    speeds: new Float64Array(DAY_SECONDS).fill(1),
    ceilings: new Float64Array(DAY_SECONDS).fill(CEILING),
    events: [],
  };
  const scaler = new PolicyScaler();
  runDay(day, SET_UP, scaler);
  return scaler.decisions.filter(({ kind }) => kind !== 'keep').map(({ kind, from, to }) => `${kind} ${from} → ${to}`);
}
