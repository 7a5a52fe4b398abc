import { alignedRows } from '../dev/terminal/aligned-rows.js';

/** Returns the median; for an even count the mean of the two middle values. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('median of no values');
  return (lower + upper) / 2;
}

/** Returns a percentile by the nearest-rank method; 100 is the largest value. @throws RangeError for no values */
export function percentile(values: readonly number[], part: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil((part / 100) * values.length)) - 1];
  if (value === undefined) throw new RangeError('percentile of no values');
  return value;
}

/** Returns the range of the values divided by their median: 0.15 is 15 %. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Relative spread of the runs of the limit above which the ratio is unreliable. */
const NOISY_SPREAD = 0.15;

export function isNoisy(limits: readonly number[]): boolean {
  return spread(limits) > NOISY_SPREAD;
}

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

/** The result of a benchmark without the name, which the benchmark has. */
export type Outcome = Omit<Result, 'name'>;

/** What a benchmark found: the runs of its subject, and what differs from the defaults. */
export interface Found extends Partial<Outcome> {
  readonly unit: string;
  readonly subject: readonly Run[];
}

/** Returns an outcome that is compared with nothing, unless `found` says more. */
export function measured({ subject, ...found }: Found): Outcome {
  return {
    value: median(valuesOf(subject)),
    limit: null,
    ratio: null,
    ratioRange: null,
    requiredRatio: null,
    peakRssMiB: Math.max(...subject.map(({ peakRssMiB }) => peakRssMiB)),
    maxRssMiB: null,
    cpuSeconds: median(subject.map(({ cpuSeconds }) => cpuSeconds)),
    noisy: false,
    runs: subject,
    notes: [],
    ...found,
  };
}

/** Returns an outcome whose value must not be above a limit. */
export function atMost(limit: number, found: Found): Outcome {
  const { value } = measured(found);
  return measured({ limit, ratio: limit / value, requiredRatio: 1, ...found });
}

/**
 * Returns an outcome that is compared run by run, since other load on the machine affects neighbours alike.
 * @param limits one for each run of the subject @param isLess whether less is better. Default: more is
 * @throws RangeError when the counts differ
 */
export function comparedWith(limits: readonly number[], found: Found, isLess = false): Outcome {
  const values = valuesOf(found.subject);
  if (values.length !== limits.length) throw new RangeError(`${values.length} values and ${limits.length} limits`);
  const shares = values.map((value, at) => value / (limits[at] ?? Number.NaN));
  const ratios = isLess ? shares.map((share) => 1 / share) : shares;
  return measured({
    limit: median(limits),
    ratio: median(ratios),
    ratioRange: [Math.min(...ratios), Math.max(...ratios)],
    noisy: isNoisy(limits),
    ...found,
  });
}

export function valuesOf(runs: readonly Run[]): number[] {
  return runs.map(({ value }) => value);
}

const HEADINGS = ['benchmark', 'value', 'unit', 'limit', 'ratio', 'range', 'target', 'peak RSS', 'CPU', ''];
/** Left-aligned columns: name, unit and verdict. */
const LEFT = new Set([0, 2, 9]);

/** Formats the results as a table for the terminal: a line per result, followed by a line per note. */
export function tableOf(results: readonly Result[]): string {
  const [head = '', ...body] = alignedRows([HEADINGS, ...results.map((result) => toCells(result))], LEFT);
  const blocks = results.map(({ notes }, at) => [body[at], ...notes.map((note) => `    ${note}`)].join('\n'));
  return [head, ...blocks].join('\n');
}

/** Returns whether the result meets its requirement; `undefined` when it has none. */
export function isReached({ ratio, requiredRatio, peakRssMiB, maxRssMiB }: Result): boolean | undefined {
  if (ratio === null || requiredRatio === null) return undefined;
  return ratio >= requiredRatio && (maxRssMiB === null || peakRssMiB <= maxRssMiB);
}

function toCells(result: Result): string[] {
  const { name, value, unit, limit, ratio, ratioRange, requiredRatio, peakRssMiB, maxRssMiB, cpuSeconds } = result;
  return [
    name,
    figure(value),
    unit,
    limit === null ? '' : figure(limit),
    ratio === null ? '' : ratio.toFixed(2),
    ratioRange === null ? '' : ratioRange.map((end) => end.toFixed(2)).join('..'),
    requiredRatio === null ? '' : `>= ${requiredRatio.toFixed(2)}`,
    `${Math.round(peakRssMiB)}${maxRssMiB === null ? '' : ` <= ${Math.round(maxRssMiB)}`} MiB`,
    `${cpuSeconds.toFixed(1)} s`,
    verdictOf(result),
  ];
}

function verdictOf(result: Result): string {
  const reached = isReached(result);
  const verdict = reached === undefined ? '' : reached ? 'reached' : 'MISSED';
  return result.noisy ? `${verdict} (other load)`.trim() : verdict;
}

/** Formats three decimals below 10, one below 1,000, otherwise none. */
function figure(value: number): string {
  if (value < 10) return value.toFixed(3);
  if (value < 1_000) return value.toFixed(1);
  return Math.round(value).toLocaleString('en-US');
}
