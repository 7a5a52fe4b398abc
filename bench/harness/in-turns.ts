import type { Result, Run } from './benchmark.js';
import { runCandidate, type Candidate } from './candidate.js';
import { median, pairedRatio, spread } from './statistics.js';

/** Relative spread of the runs of the limit above which the ratio is unreliable. */
export const NOISY_SPREAD = 0.15;

export interface Contest {
  readonly name: string;
  readonly unit: string;
  readonly subject: Candidate;
  readonly limit: Candidate;
  readonly times: number;
  readonly requiredRatio: number;
  readonly maxRssMiB?: number;
  /** The same as a share of the limit's highest memory. */
  readonly maxRssShare?: number;
  /** Earlier runs of the search for the best settings. */
  readonly before?: readonly Run[];
  readonly notes?: readonly string[];
}

/** Runs the subject and the limit alternately, so that other load on the machine affects both. */
export async function compareInTurns(contest: Contest, print: (line: string) => void): Promise<Result> {
  const [subjects, limits]: [Run[], Run[]] = [[], []];
  const runs = [...(contest.before ?? [])];
  for (let turn = 0; turn < contest.times; turn += 1) {
    const limit = await runCandidate(contest.limit, 'figure', print);
    const subject = await runCandidate(contest.subject, 'figure', print);
    limits.push(limit);
    subjects.push(subject);
    runs.push(limit, subject);
  }
  const ratio = pairedRatio(valuesOf(subjects), valuesOf(limits));
  return {
    name: contest.name,
    unit: contest.unit,
    value: median(valuesOf(subjects)),
    limit: median(valuesOf(limits)),
    ratio: ratio.median,
    ratioRange: [ratio.min, ratio.max],
    requiredRatio: contest.requiredRatio,
    peakRssMiB: Math.max(...subjects.map(({ peakRssMiB }) => peakRssMiB)),
    maxRssMiB: contest.maxRssMiB ?? shareOf(limits, contest.maxRssShare),
    cpuSeconds: median(subjects.map(({ cpuSeconds }) => cpuSeconds)),
    noisy: spread(valuesOf(limits)) > NOISY_SPREAD,
    runs,
    notes: [`${contest.subject.label} compared with ${contest.limit.label}`, ...(contest.notes ?? [])],
  };
}

function shareOf(runs: readonly Run[], share: number | undefined): number | null {
  return share === undefined ? null : share * Math.max(...runs.map(({ peakRssMiB }) => peakRssMiB));
}

function valuesOf(runs: readonly Run[]): number[] {
  return runs.map(({ value }) => value);
}
