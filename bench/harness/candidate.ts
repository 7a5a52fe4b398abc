import { runOf, type Run } from './benchmark.js';
import type { Measurement } from './measurement.js';

/** Purpose of a run: to compare settings, for which fewer records suffice, or to measure the figure itself. */
export type Purpose = 'search' | 'figure';

/** A contender with its settings. */
export interface Candidate {
  /** Display name: contender and settings. */
  readonly label: string;
  readonly run: (purpose: Purpose) => Promise<Measurement>;
  /** Returns the value that is compared: more is better. */
  readonly valueOf: (measurement: Measurement) => number;
}

/** Runs a candidate once and prints the value. */
export async function runCandidate(
  { label, run, valueOf }: Candidate,
  purpose: Purpose,
  print: (line: string) => void,
): Promise<Run> {
  const measurement = await run(purpose);
  const result = runOf(label, valueOf(measurement), measurement);
  const figures = [
    `${Math.round(result.value)}/s`,
    `${Math.round(result.peakRssMiB)} MiB`,
    `${result.cpuSeconds.toFixed(1)} s CPU`,
  ];
  print(`  ${label}: ${figures.join(', ')}`);
  return result;
}

export interface Search {
  /** Runs per candidate, alternating. The best run counts, since other load only slows it down. Default: 1. */
  readonly rounds?: number;
  /** Runs with more memory do not count, unless all have more. Default: no limit. */
  readonly maxRssMiB?: number;
}

/**
 * Finds the best candidate by running each of them. A single candidate is returned without a run.
 * @returns the candidate with the highest value, and all runs
 */
export async function findBest(
  candidates: readonly Candidate[],
  print: (line: string) => void,
  { rounds = 1, maxRssMiB = Infinity }: Search = {},
): Promise<{ best: Candidate; runs: Run[] }> {
  const [first, ...others] = candidates;
  if (first === undefined) throw new RangeError('no candidates');
  if (others.length === 0) return { best: first, runs: [] };
  const tried: { candidate: Candidate; run: Run }[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const candidate of candidates) tried.push({ candidate, run: await runCandidate(candidate, 'search', print) });
  const allowed = tried.filter(({ run }) => run.peakRssMiB <= maxRssMiB);
  const [best] = (allowed.length > 0 ? allowed : tried).toSorted((a, b) => b.run.value - a.run.value);
  return { best: best?.candidate ?? first, runs: tried.map(({ run }) => run) };
}
