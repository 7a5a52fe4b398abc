/** An interval of legacy numbers, both ends included. */
export interface NumberInterval {
  readonly from: number;
  readonly to: number;
}

/** The numbers of a page of the legacy system. A run handles as many at once. */
export const INTERVAL_NUMBERS = 1_000;

/** Returns the interval that begins at a number; the last one ends at `upTo`. */
export function intervalFrom(from: number, upTo: number): NumberInterval {
  return { from, to: Math.min(from + INTERVAL_NUMBERS - 1, upTo) };
}
