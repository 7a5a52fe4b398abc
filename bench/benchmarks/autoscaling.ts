import { BEYOND_SHARE, compareScalers, type Comparison } from '../autoscaling/compare-scalers.js';
import { keyBoundSteps } from '../autoscaling/key-bound-steps.js';
import { DAY_SECONDS } from '../autoscaling/seeded-day.js';
import type { Result } from '../harness/benchmark.js';
import type { Simulation } from '../harness/simulation.js';
import { median } from '../harness/statistics.js';

const SEEDS = 24;
const QUICK_SEEDS = 2;
const MAX_HOURS = 1.15;
const MAX_REBALANCES = 1 / 3;

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

export const autoscalingBeyond: Simulation = {
  name: 'autoscaling-beyond',
  about: `time beyond the goal, over ${SEEDS} seeded days, against that of an oracle that knows the load; 2 % of the day more are allowed`,
  simulate: (quick) =>
    worstOf(comparisons(quick), {
      name: 'autoscaling-beyond',
      unit: '% of the day',
      limit: 100 * BEYOND_SHARE,
      value: ({ policy, oracle }) => (100 * (policy.secondsBeyond - oracle.secondsBeyond)) / DAY_SECONDS,
      note: ({ policy, oracle, keda, fixed }) =>
        `policy ${policy.secondsBeyond} s, oracle ${oracle.secondsBeyond} s, KEDA's formula ${keda.secondsBeyond} s, ${fixed.consumers} fixed ${fixed.secondsBeyond} s`,
    }),
};

export const autoscalingHours: Simulation = {
  name: 'autoscaling-hours',
  about: `consumer hours over ${SEEDS} seeded days, as a multiple of the oracle's; at most ${MAX_HOURS} are allowed`,
  simulate: (quick) =>
    worstOf(comparisons(quick), {
      name: 'autoscaling-hours',
      unit: 'x oracle',
      limit: MAX_HOURS,
      value: ({ policy, oracle }) => policy.consumerHours / oracle.consumerHours,
      note: ({ policy, oracle, keda, fixed }) =>
        `policy ${hours(policy)}, oracle ${hours(oracle)}, KEDA's formula ${hours(keda)}, ${fixed.consumers} fixed ${hours(fixed)}`,
    }),
};

export const autoscalingRebalances: Simulation = {
  name: 'autoscaling-rebalances',
  about: `rebalances over ${SEEDS} seeded days, as a multiple of those of KEDA's formula at its best threshold; at most a third are allowed`,
  simulate: (quick) =>
    worstOf(comparisons(quick), {
      name: 'autoscaling-rebalances',
      unit: 'x KEDA',
      limit: MAX_REBALANCES,
      value: ({ policy, keda }) => policy.rebalances / keda.rebalances,
      note: ({ policy, oracle, keda }) =>
        `policy ${policy.rebalances}, oracle ${oracle.rebalances}, KEDA's formula ${keda.rebalances} (threshold ${keda.thresholdSeconds} s of one consumer's work)`,
    }),
};

export const autoscalingKeys: Simulation = {
  name: 'autoscaling-keys',
  about: 'steps under a load that keys bound all day; one step up and its revert are allowed',
  simulate: () => {
    const steps = keyBoundSteps();
    return resultOf('autoscaling-keys', 'steps', 2, [steps.length], [steps.join(', ')]);
  },
};

interface Judged {
  readonly name: string;
  readonly unit: string;
  readonly limit: number;
  readonly value: (comparison: Comparison) => number;
  /** The figures of the median day. */
  readonly note: (comparison: Comparison) => string;
}

/** The requirement holds on each day: the worst one counts. */
function worstOf(days: readonly Comparison[], { name, unit, limit, value, note }: Judged): Result {
  const values = days.map((day) => value(day));
  const sorted = days.toSorted((a, b) => value(a) - value(b));
  const [least, middle, worst] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  const range = `${days.length} days: ${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}, median ${median(values).toFixed(3)}`;
  const lines = [['best', least] as const, ['median', middle] as const, ['worst', worst] as const].flatMap(
    ([which, day]) => (day === undefined ? [] : [`${which} day, seed ${day.seed}: ${note(day)}`]),
  );
  return resultOf(name, unit, limit, values, [range, ...lines]);
}

function resultOf(
  name: string,
  unit: string,
  limit: number,
  values: readonly number[],
  notes: readonly string[],
): Result {
  const value = Math.max(...values);
  // Nothing at all is as good as a small share of the limit.
  const ratio = limit / Math.max(value, limit / 100);
  const { rss } = process.memoryUsage();
  // Of the process so far: the days are run once for all of these benchmarks.
  const figures = { peakRssMiB: rss / 2 ** 20, cpuSeconds: process.cpuUsage().user / 1e6 };
  return {
    name,
    value,
    unit,
    limit,
    ratio,
    ratioRange: null,
    requiredRatio: 1,
    ...figures,
    maxRssMiB: null,
    noisy: false,
    runs: values.map((each, index) => ({ contender: `seed ${index + 1}`, value: each, ...figures })),
    notes,
  };
}

function hours({ consumerHours }: { readonly consumerHours: number }): string {
  return `${consumerHours.toFixed(1)} h`;
}
