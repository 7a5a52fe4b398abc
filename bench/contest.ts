import type { Bench, Benchmark } from './bench.js';
import { type Measurement, ratePerSecond, runOf } from './measurement.js';
import { comparedWith, type Outcome, type Run, valuesOf } from './result.js';

/** Purpose of a run: to compare settings, for which fewer records suffice, or to measure the figure itself. */
export type Purpose = 'search' | 'figure';

/** A contender with its settings. */
export interface Candidate {
  /** Display name: contender and settings. */
  readonly label: string;
  readonly run: (purpose: Purpose) => Promise<Measurement>;
}

/** A benchmark that runs a subject and its limit alternately, so that other load on the machine affects both. */
export interface Contest {
  readonly name: string;
  readonly about: string;
  /** Default: `orders/s`. */
  readonly unit?: string;
  /** Of several candidates, the best one by a search is measured; in a smoke run the last one. */
  readonly subject: (bench: Bench) => readonly Candidate[];
  readonly limit: (bench: Bench) => readonly Candidate[];
  readonly times: number;
  readonly requiredRatio: number;
  /** Per cent of the records that do not count, during which V8 compiles. Default: 0, the whole run. */
  readonly warmUp?: number;
  /** Runs of each candidate of a search, alternating. The best run counts, since other load only slows it down. Default: 1. */
  readonly rounds?: number;
  /** Candidates with more memory are not chosen, unless all have more. */
  readonly maxRssMiB?: number;
  /** The same as a share of the limit's highest memory. */
  readonly maxRssShare?: number;
  readonly notes?: readonly string[];
}

export function contest(contested: Contest): Benchmark {
  const { name, about } = contested;
  return { name, about, measure: async (bench) => compareInTurns(contested, bench) };
}

async function compareInTurns(contested: Contest, bench: Bench): Promise<Outcome> {
  const { unit = 'orders/s', times, requiredRatio, maxRssMiB, maxRssShare, warmUp = 0, notes = [] } = contested;
  const run = async (candidate: Candidate, purpose: Purpose): Promise<Run> =>
    runCandidate(candidate, purpose, warmUp, bench.print);
  const searchedSubjects = await findBest(contested.subject(bench), bench, { ...contested, run });
  const searchedLimits = await findBest(contested.limit(bench), bench, { rounds: contested.rounds, run });
  const [subject, limits]: [Run[], Run[]] = [[], []];
  const turns: Run[] = [];
  for (let turn = 0; turn < (bench.quick ? 1 : times); turn += 1) {
    limits.push(await run(searchedLimits.best, 'figure'));
    subject.push(await run(searchedSubjects.best, 'figure'));
    turns.push(...limits.slice(-1), ...subject.slice(-1));
  }
  const highest = Math.max(...limits.map(({ peakRssMiB }) => peakRssMiB));
  return comparedWith(valuesOf(limits), {
    unit,
    subject,
    requiredRatio,
    maxRssMiB: maxRssMiB ?? (maxRssShare === undefined ? null : maxRssShare * highest),
    runs: [...searchedSubjects.runs, ...searchedLimits.runs, ...turns],
    notes: [`${searchedSubjects.best.label} compared with ${searchedLimits.best.label}`, ...notes],
  });
}

/** Runs a candidate once and prints the value. */
async function runCandidate(
  { label, run }: Candidate,
  purpose: Purpose,
  warmUp: number,
  print: (line: string) => void,
): Promise<Run> {
  const measurement = await run(purpose);
  const result = runOf(label, ratePerSecond(measurement, warmUp, 100), measurement);
  const { value, peakRssMiB, cpuSeconds } = result;
  print(`  ${label}: ${Math.round(value)}/s, ${Math.round(peakRssMiB)} MiB, ${cpuSeconds.toFixed(1)} s CPU`);
  return result;
}

interface Search {
  readonly run: (candidate: Candidate, purpose: Purpose) => Promise<Run>;
  readonly rounds?: number | undefined;
  readonly maxRssMiB?: number;
}

/**
 * Finds the best candidate by running each of them. A single candidate is returned without a run.
 * @returns the candidate with the highest value, and all runs
 */
async function findBest(
  all: readonly Candidate[],
  { quick }: Bench,
  { run, rounds = 1, maxRssMiB = Infinity }: Search,
): Promise<{ best: Candidate; runs: Run[] }> {
  const candidates = quick ? all.slice(-1) : all;
  const [first, ...others] = candidates;
  if (first === undefined) throw new RangeError('no candidates');
  if (others.length === 0) return { best: first, runs: [] };
  const tried: { candidate: Candidate; run: Run }[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const candidate of candidates) tried.push({ candidate, run: await run(candidate, 'search') });
  const allowed = tried.filter((each) => each.run.peakRssMiB <= maxRssMiB);
  const [best] = (allowed.length > 0 ? allowed : tried).toSorted((a, b) => b.run.value - a.run.value);
  return { best: best?.candidate ?? first, runs: tried.map((each) => each.run) };
}
