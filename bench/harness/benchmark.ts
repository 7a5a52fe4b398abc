import type { Bench } from './bench.js';
import type { Measurement } from './measurement.js';

/** One run of one contender. */
export interface Run {
  /** With its settings, where it has several. */
  readonly contender: string;
  readonly value: number;
  readonly peakRssMiB: number;
  readonly cpuSeconds: number;
  /** What was resident each second, in MiB: where that is what is measured. */
  readonly rssMiB?: readonly number[];
}

/** What a benchmark found. */
export interface Result {
  readonly name: string;
  /** The median of its runs. */
  readonly value: number;
  readonly unit: string;
  /** What it is held against: a bound by calculation, or the median of the other contender's runs; `null` for a row that only compares. */
  readonly limit: number | null;
  /** How much of the limit is reached: the median of the ratios of runs made in turns. Where less is better, limit / value. */
  readonly ratio: number | null;
  /** The lowest and the highest of those ratios. */
  readonly ratioRange: readonly [number, number] | null;
  /** The ratio that must be reached. */
  readonly requiredRatio: number | null;
  /** The highest of its runs, in MiB; of what it is held against see `runs`. */
  readonly peakRssMiB: number;
  readonly maxRssMiB: number | null;
  /** The median of its runs. */
  readonly cpuSeconds: number;
  /** The limit's own runs lay more than 15 % apart, so that the ratio says little. */
  readonly noisy: boolean;
  /** All of them in the order they were made, those of the search for the best settings included. */
  readonly runs: readonly Run[];
  /** What else a reader must know, in words. */
  readonly notes: readonly string[];
}

/** Something that is measured, under a name that `--only` takes. A file each in `bench/benchmarks`. */
export interface Benchmark {
  readonly name: string;
  /** What is measured, and against what. */
  readonly about: string;
  measure(bench: Bench): Promise<Result>;
}

/** A run's part of the report. */
export function runOf(contender: string, value: number, { peakRssMiB, cpuSeconds }: Measurement): Run {
  return { contender, value, peakRssMiB, cpuSeconds };
}
