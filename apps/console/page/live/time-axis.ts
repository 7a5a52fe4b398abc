import type { Points } from '../../src/history/figure-history.js';

/** The time ranges of the chart. */
export const TIME_RANGES = [
  { seconds: 120, name: '2 min' },
  { seconds: 600, name: '10 min' },
  { seconds: 3_600, name: '1 hour' },
] as const;

/** Below this range the axis shows seconds. */
const SECONDS_BELOW = 600;

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

/** Formats a time in the local time zone, such as `14:05` or, for a short range, `14:05:30`. */
export function timeText(second: number, rangeSeconds: number): string {
  const date = new Date(1_000 * second);
  const parts = [date.getHours(), date.getMinutes(), ...(rangeSeconds < SECONDS_BELOW ? [date.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
