import type { Points } from '../../src/history/figure-history.js';

/** The time ranges of the chart. */
export const TIME_RANGES = [
  { seconds: 120, name: '2 min' },
  { seconds: 600, name: '10 min' },
  { seconds: 3_600, name: '1 hour' },
] as const;

export interface TimeWindow {
  /** Seconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/** Returns the window of the chart. It always ends now, whatever has been recorded. */
export function timeWindow(now: number, seconds: number): TimeWindow {
  return { from: now - seconds, to: now };
}

/** Adds points without values at the ends of the window, so that the chart has an axis also without data. */
export function framed({ at, values }: Points, { from, to }: TimeWindow): Points {
  const before = from < (at[0] ?? to) ? [from] : [];
  const after = to > (at.at(-1) ?? from) ? [to] : [];
  const columns = Object.entries(values).map(([figure, column]) => [
    figure,
    [...before.map(() => null), ...column, ...after.map(() => null)],
  ]);
  return { at: [...before, ...at, ...after], values: Object.fromEntries(columns) as Points['values'] };
}

/** Formats times of an axis in UTC: `14:05`, or `14:05:30` when they are less than a minute apart. */
export function axisTexts(seconds: readonly number[]): string[] {
  const isFine = seconds.some((second) => second % 60 !== 0);
  return seconds.map((second) => (isFine ? timeText(second) : timeText(second).slice(0, -3)));
}

/** Formats a time in UTC, such as `14:05:30`. */
export function timeText(second: number): string {
  return new Date(1_000 * second).toISOString().slice(11, 19);
}
