/** An injectable source of time, so that specs can control it. */
export interface Clock {
  /** Milliseconds since 1970; never decreases. */
  now(): number;
  /** Calls `run` once after the given time. @returns a function that cancels the call */
  after(milliseconds: number, run: () => void): () => void;
}

/** The machine's time at process start plus a monotonic clock: later changes of the wall clock have no effect. */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Waits for the given time. @param signal ends the wait early @throws the reason of the signal */
export async function pause(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => reject(signal?.reason);
  const cancel = clock.after(milliseconds, resolve);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await promise;
  } finally {
    cancel();
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * Waits for the work with a timeout. Work that misses the timeout continues, and its result is ignored.
 * @returns whether the work succeeded in time
 * @throws the work's own error, when it failed in time
 */
export async function succeededWithin(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let cancel: (() => void) | undefined;
  const late = new Promise<false>((resolve) => {
    cancel = clock.after(milliseconds, () => resolve(false));
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    cancel?.();
  }
}

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

/** Computes events per second over the last readings of a counter that never decreases. */
export class RateMeter {
  private readonly readings: { readonly at: number; readonly count: number }[] = [];

  /** @param kept number of intervals between readings that the rate covers */
  constructor(private readonly kept: number) {}

  /** Records a reading. @param at milliseconds since 1970 */
  read(at: number, count: number): void {
    this.readings.push({ at, count });
    if (this.readings.length > this.kept + 1) this.readings.shift();
  }

  /** Events per second between the first and the last reading kept; 0 before the second reading. */
  get perSecond(): number {
    const first = this.readings[0];
    const last = this.readings.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return ((last.count - first.count) * 1_000) / (last.at - first.at);
  }
}
