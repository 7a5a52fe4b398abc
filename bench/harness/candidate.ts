import { runOf, type Run } from './benchmark.js';
import type { Measurement } from './measurement.js';

/** What a run is for: to tell settings apart, which fewer records may do, or for the figure itself. */
export type Purpose = 'search' | 'figure';

/** A contender with its settings: one of several that are tried. */
export interface Candidate {
  /** Contender and settings, for people. */
  readonly label: string;
  readonly run: (purpose: Purpose) => Promise<Measurement>;
  /** What of its measurement counts: more is better. */
  readonly valueOf: (measurement: Measurement) => number;
}

/** Runs it once and tells the value. */
export async function runCandidate(
  { label, run, valueOf }: Candidate,
  purpose: Purpose,
  print: (line: string) => void,
): Promise<Run> {
  const measurement = await run(purpose);
  const made = runOf(label, valueOf(measurement), measurement);
  const figures = [
    `${Math.round(made.value)}/s`,
    `${Math.round(made.peakRssMiB)} MiB`,
    `${made.cpuSeconds.toFixed(1)} s of CPU`,
  ];
  print(`  ${label}: ${figures.join(', ')}`);
  return made;
}

export interface Search {
  /** How often each is run, in turns; its best run counts, since other work on the machine only slows. Default 1. */
  readonly rounds?: number;
  /** Runs that took more don't count, unless all did. Default: no limit. */
  readonly maxRssMiB?: number;
}

/**
 * Runs each candidate once, or for some rounds. One alone isn't run: it is the best.
 * @returns the one with the highest value, and all runs
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
