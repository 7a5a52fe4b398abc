import type { Bench } from './bench.js';
import type { Measurement } from './measurement.js';

/** One run of one contender. */
export interface Run {
  /** Name of the contender, with its settings if it has several. */
  readonly contender: string;
  readonly value: number;
  readonly peakRssMiB: number;
  readonly cpuSeconds: number;
  /** Resident memory each second, in MiB, when the benchmark measures memory. */
  readonly rssMiB?: readonly number[];
}

/** The result of a benchmark. */
export interface Result {
  readonly name: string;
  /** The median of its runs. */
  readonly value: number;
  readonly unit: string;
  /** What it is compared with: a calculated bound, or the median of the other contender's runs; `null`: nothing. */
  readonly limit: number | null;
  /** Share of the limit that is reached: median of the ratios of alternating runs. Where less is better: limit / value. */
  readonly ratio: number | null;
  /** The lowest and the highest of those ratios. */
  readonly ratioRange: readonly [number, number] | null;
  /** The ratio that must be reached. */
  readonly requiredRatio: number | null;
  /** The highest of its runs, in MiB; for the other contender see `runs`. */
  readonly peakRssMiB: number;
  readonly maxRssMiB: number | null;
  /** The median of its runs. */
  readonly cpuSeconds: number;
  /** The runs of the limit vary by more than 15 %, so that the ratio is unreliable. */
  readonly noisy: boolean;
  /** All runs in chronological order, including those of the search for the best settings. */
  readonly runs: readonly Run[];
  /** Remarks for the reader. */
  readonly notes: readonly string[];
}

/** A measurement with a name that `--only` accepts. Each has a file in `bench/benchmarks`. */
export interface Benchmark {
  readonly name: string;
  /** What is measured, and what it is compared with. */
  readonly about: string;
  measure(bench: Bench): Promise<Result>;
}

/** Converts a measurement to an entry of the report. */
export function runOf(contender: string, value: number, { peakRssMiB, cpuSeconds }: Measurement): Run {
  return { contender, value, peakRssMiB, cpuSeconds };
}
