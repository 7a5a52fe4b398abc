import { FixedScaler } from './fixed-scaler.js';
import { KedaScaler } from './keda-scaler.js';
import { OracleScaler } from './oracle-scaler.js';
import { PolicyScaler, type TimedDecision } from './policy-scaler.js';
import { runDay, type DayFigures } from './scaler.js';
import { DAY_SECONDS, RATE_PER_CONSUMER, seededDay } from './seeded-day.js';
import { SET_UP, type SimulatedSetUp } from './simulated-pipeline.js';

/** The thresholds of KEDA's formula that are tried: the seconds of work of one consumer. */
const THRESHOLD_SECONDS = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480];
/** Time beyond the goal that a scaler may have more than the oracle, as a share of the day. */
export const BEYOND_SHARE = 0.02;

/** How the scalers did on one day. */
export interface Comparison {
  readonly seed: number;
  readonly policy: DayFigures;
  readonly decisions: readonly TimedDecision[];
  readonly oracle: DayFigures;
  readonly keda: DayFigures & { readonly thresholdSeconds: number };
  /** The fewest consumers that keep the goal as KEDA's formula has to. */
  readonly fixed: DayFigures & { readonly consumers: number };
}

/** Runs one day with all scalers. The same seed gives the same figures. */
export function compareScalers(seed: number, setUp: SimulatedSetUp = SET_UP): Comparison {
  const day = seededDay(seed);
  const policy = new PolicyScaler();
  const figures = runDay(day, setUp, policy);
  const oracle = runDay(day, setUp, new OracleScaler(day, setUp));
  const allowed = oracle.secondsBeyond + BEYOND_SHARE * DAY_SECONDS;
  const keda = THRESHOLD_SECONDS.map((thresholdSeconds) => {
    const scaler = new KedaScaler(thresholdSeconds * RATE_PER_CONSUMER);
    return Object.assign(runDay(day, setUp, scaler), { thresholdSeconds });
  });
  const fixed = Array.from({ length: setUp.maxConsumers }, (_, index) =>
    Object.assign(runDay(day, setUp, new FixedScaler(index + 1)), { consumers: index + 1 }),
  );
  return {
    seed,
    policy: figures,
    decisions: policy.decisions,
    oracle,
    keda: bestOf(keda, allowed),
    fixed: bestOf(fixed, allowed),
  };
}

/** The one with the fewest consumer hours of those that keep the goal; if none does, the one with the least time beyond it. */
function bestOf<T extends DayFigures>(days: readonly T[], allowedSeconds: number): T {
  const kept = days.filter(({ secondsBeyond }) => secondsBeyond <= allowedSeconds);
  const [best] =
    kept.length > 0
      ? kept.toSorted((a, b) => a.consumerHours - b.consumerHours)
      : days.toSorted((a, b) => a.secondsBeyond - b.secondsBeyond);
  if (best === undefined) throw new RangeError('no day to choose from');
  return best;
}
