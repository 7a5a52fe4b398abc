import {
  FixedScaler,
  KedaScaler,
  keyBoundSteps,
  OracleScaler,
  PolicyScaler,
  type TimedDecision,
} from './autoscaling/scalers.js';
import {
  DAY_SECONDS,
  type DayFigures,
  RATE_PER_CONSUMER,
  runDay,
  seededDay,
  SET_UP,
  type SimulatedSetUp,
} from './autoscaling/simulated-day.js';
import type { Benchmark } from './bench.js';
import { atMost, median, type Outcome, type Run, valuesOf } from './result.js';

// The policy of `libs/autoscaling` against other scalers, in simulated time: it needs no servers, and gives the same figures on every machine.

/** A benchmark in simulated time. */
export interface Simulation extends Pick<Benchmark, 'name' | 'about'> {
  /** @param quick smoke run */
  readonly simulate: (quick: boolean) => Outcome;
}

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
const SEEDS = 24;
const QUICK_SEEDS = 2;
const MAX_HOURS = 1.15;

const compared = new Map<number, Comparison>();

/** Runs each day once for all of these benchmarks. */
function comparisons(quick: boolean): Comparison[] {
  return Array.from({ length: quick ? QUICK_SEEDS : SEEDS }, (_, index) => {
    const seed = index + 1;
    const comparison = compared.get(seed) ?? compareScalers(seed);
    compared.set(seed, comparison);
    return comparison;
  });
}

interface Judged extends Pick<Benchmark, 'name' | 'about'> {
  readonly unit: string;
  readonly limit: number;
  readonly value: (comparison: Comparison) => number;
  /** The figures of a day. */
  readonly note: (comparison: Comparison) => string;
}

/** The requirement must be met on each day: the worst one counts. */
function worstDay({ name, about, unit, limit, value, note }: Judged): Simulation {
  return {
    name,
    about,
    simulate: (quick) => {
      const sorted = comparisons(quick).toSorted((a, b) => value(a) - value(b));
      const values = sorted.map((day) => value(day));
      const range = `${values.length} days: ${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}, median ${median(values).toFixed(3)}`;
      const shown = { best: sorted[0], median: sorted[Math.floor(sorted.length / 2)], worst: sorted.at(-1) };
      const lines = Object.entries(shown).flatMap(([which, day]) =>
        day === undefined ? [] : [`${which} day, seed ${day.seed}: ${note(day)}`],
      );
      const runs = sorted.map((day) => ({ contender: `seed ${day.seed}`, value: value(day) }));
      return highestOf(unit, limit, runs, [range, ...lines]);
    },
  };
}

/** @param runs without memory and CPU time, which are those of this process so far: the days are run once for all of these benchmarks */
function highestOf(
  unit: string,
  limit: number,
  runs: readonly Pick<Run, 'contender' | 'value'>[],
  notes: readonly string[],
): Outcome {
  const figures = {
    peakRssMiB: process.memoryUsage.rss() / 2 ** 20,
    cpuSeconds: process.cpuUsage().user / 1e6,
  };
  const subject = runs.map((run) => ({ ...run, ...figures }));
  const value = Math.max(...valuesOf(subject));
  // Nothing at all is as good as a small share of the limit.
  const ratio = limit / Math.max(value, limit / 100);
  return atMost(limit, { unit, subject, value, ratio, notes });
}

function hours({ consumerHours }: { readonly consumerHours: number }): string {
  return `${consumerHours.toFixed(1)} h`;
}

export const SIMULATIONS: readonly Simulation[] = [
  worstDay({
    name: 'autoscaling-beyond',
    about: `time beyond the goal, over ${SEEDS} seeded days, against that of an oracle that knows the load; 2 % of the day more are allowed`,
    unit: '% of the day',
    limit: 100 * BEYOND_SHARE,
    value: ({ policy, oracle }) => (100 * (policy.secondsBeyond - oracle.secondsBeyond)) / DAY_SECONDS,
    note: ({ policy, oracle, keda, fixed }) =>
      `policy ${policy.secondsBeyond} s, oracle ${oracle.secondsBeyond} s, KEDA's formula ${keda.secondsBeyond} s, ${fixed.consumers} fixed ${fixed.secondsBeyond} s`,
  }),
  worstDay({
    name: 'autoscaling-hours',
    about: `consumer hours over ${SEEDS} seeded days, as a multiple of the oracle's; at most ${MAX_HOURS} are allowed`,
    unit: 'x oracle',
    limit: MAX_HOURS,
    value: ({ policy, oracle }) => policy.consumerHours / oracle.consumerHours,
    note: ({ policy, oracle, keda, fixed }) =>
      `policy ${hours(policy)}, oracle ${hours(oracle)}, KEDA's formula ${hours(keda)}, ${fixed.consumers} fixed ${hours(fixed)}`,
  }),
  worstDay({
    name: 'autoscaling-rebalances',
    about: `rebalances over ${SEEDS} seeded days, as a multiple of those of KEDA's formula at its best threshold; at most a third are allowed`,
    unit: 'x KEDA',
    limit: 1 / 3,
    value: ({ policy, keda }) => policy.rebalances / keda.rebalances,
    note: ({ policy, oracle, keda }) =>
      `policy ${policy.rebalances}, oracle ${oracle.rebalances}, KEDA's formula ${keda.rebalances} (threshold ${keda.thresholdSeconds} s of one consumer's work)`,
  }),
  {
    name: 'autoscaling-keys',
    about: 'steps under a load that keys bound all day; one step up and its revert are allowed',
    simulate: () => {
      const steps = keyBoundSteps();
      return highestOf('steps', 2, [{ contender: 'policy', value: steps.length }], [steps.join(', ')]);
    },
  },
];
