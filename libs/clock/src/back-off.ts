/** Bounds of an exponential back-off, in milliseconds. */
export interface BackOff {
  /** Ceiling of the delay before the second attempt; it doubles with each further attempt. */
  readonly initialMs: number;
  /** The largest ceiling. */
  readonly maxMs: number;
}

/**
 * Computes the delay before the next attempt: exponential back-off with equal jitter (Marc Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015). The delay is uniformly distributed between half of the ceiling and the ceiling, so that many
 * simultaneous failures do not retry simultaneously.
 * @param failures number of failed attempts, at least 1
 * @param random returns numbers from 0 (inclusive) to 1 (exclusive)
 * @returns milliseconds
 */
export function backOffMs({ initialMs, maxMs }: BackOff, failures: number, random: () => number): number {
  const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(ceiling * (0.5 + random() / 2));
}
