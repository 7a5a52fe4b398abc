/** How long to wait before the next try, in milliseconds. */
export interface BackOff {
  /** Before the second try; doubles with each further one. */
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * Exponential back-off with full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015):
 * evenly drawn between half of the ceiling and the ceiling, so that many failing at once don't come back at once.
 * @param failures how many tries have failed, 1 or more
 * @param random gives numbers from 0 up to 1
 */
export function backOffMs({ initialMs, maxMs }: BackOff, failures: number, random: () => number): number {
  const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(ceiling * (0.5 + random() / 2));
}
