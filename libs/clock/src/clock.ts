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
