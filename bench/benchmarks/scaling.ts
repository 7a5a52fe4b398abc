import type { Bench } from '../harness/bench.js';
import { type Benchmark, type Result, type Run } from '../harness/benchmark.js';
import { NOISY_SPREAD } from '../harness/in-turns.js';
import { median, pairedRatio, spread } from '../harness/statistics.js';
import { MEAN_SAVE_SECONDS, type ScaledRun, type ScaledSetUp } from '../scaling/scaled-run.js';

const IN_FLIGHT = 1_000;
const TIMES = 3;
const SECONDS = 10;
const QUICK_SECONDS = 4;

/** Compares several consumers with one, alternating: ideally the rate grows with the number of consumers. */
export function consumersAgainstOne(consumers: number, requiredGain: number): Benchmark {
  const name = `scaling-consumers-${consumers}`;
  return {
    name,
    about: `${consumers} consumers, ${IN_FLIGHT} in flight each, save 0..1 s, compared with ${consumers} times one`,
    measure: async (bench) => {
      const [ones, manies]: [ScaledRun[], ScaledRun[]] = [[], []];
      for (let turn = 0; turn < (bench.quick ? 1 : TIMES); turn += 1) {
        ones.push(await scaled(bench, { consumers: 1, inFlight: IN_FLIGHT }));
        manies.push(await scaled(bench, { consumers, inFlight: IN_FLIGHT }));
      }
      const limits = ones.map(({ savedPerSecond }) => consumers * savedPerSecond);
      const ratio = pairedRatio(ratesOf(manies), limits);
      return {
        ...resultOf(name, manies, [...ones, ...manies]),
        limit: median(limits),
        ratio: ratio.median,
        ratioRange: [ratio.min, ratio.max],
        requiredRatio: requiredGain / consumers,
        noisy: spread(limits) > NOISY_SPREAD,
        notes: [`x${(ratio.median * consumers).toFixed(2)} of one consumer, required x${requiredGain}`],
      };
    },
  };
}

/** Compares one consumer with `in flight / mean save time`: the curve flattens at the capacity of the machine. */
export function consumerWith(inFlight: number, requiredRatio: number | null): Benchmark {
  const name = `scaling-in-flight-${inFlight}`;
  const limit = inFlight / MEAN_SAVE_SECONDS;
  return {
    name,
    about: `one consumer, ${inFlight} in flight, save 0..1 s into MongoDB, compared with ${inFlight} / 0.5 s`,
    measure: async (bench) => {
      const runs: ScaledRun[] = [];
      for (let time = 0; time < (bench.quick ? 1 : TIMES); time += 1)
        runs.push(await scaled(bench, { consumers: 1, inFlight }));
      const ratios = ratesOf(runs).map((rate) => rate / limit);
      return {
        ...resultOf(name, runs, runs),
        limit,
        ratio: median(ratios),
        ratioRange: [Math.min(...ratios), Math.max(...ratios)],
        requiredRatio,
        noisy: spread(ratios) > NOISY_SPREAD,
        notes: [],
      };
    },
  };
}

type Judged = 'limit' | 'ratio' | 'ratioRange' | 'requiredRatio' | 'noisy' | 'notes';

function resultOf(name: string, subjects: readonly ScaledRun[], all: readonly ScaledRun[]): Omit<Result, Judged> {
  return {
    name,
    value: median(ratesOf(subjects)),
    unit: 'orders/s',
    peakRssMiB: Math.max(...subjects.map(({ peakRssMiB }) => peakRssMiB)),
    maxRssMiB: null,
    cpuSeconds: median(subjects.map(({ cpuSeconds }) => cpuSeconds)),
    runs: all.map(({ consumers, inFlight, savedPerSecond: value, peakRssMiB, cpuSeconds }): Run => ({
      contender: `${consumers} x ${inFlight}`,
      value,
      peakRssMiB,
      cpuSeconds,
    })),
  };
}

async function scaled(bench: Bench, setUp: ScaledSetUp): Promise<ScaledRun> {
  const run = await bench.runScaled(setUp, bench.quick ? QUICK_SECONDS : SECONDS);
  const cores = run.cpuSeconds / (bench.quick ? QUICK_SECONDS : SECONDS);
  bench.print(
    `  ${setUp.consumers} x ${setUp.inFlight}: ${Math.round(run.savedPerSecond)}/s, ${cores.toFixed(2)} cores, peak ${Math.round(run.peakRssMiB)} MiB`,
  );
  return run;
}

function ratesOf(runs: readonly ScaledRun[]): number[] {
  return runs.map(({ savedPerSecond }) => savedPerSecond);
}
