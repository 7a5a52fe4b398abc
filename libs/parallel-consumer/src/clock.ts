/** Time, injected, so that specs run under their own. */
export interface Clock {
  /** Milliseconds since 1970, and never less than before. */
  now(): number;
  /** Runs it once, that many milliseconds from now. @returns what cancels it */
  after(milliseconds: number, run: () => void): () => void;
}

/** The machine's, as it was when the process began, and on from there: a wall clock that is set meanwhile moves nothing. */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

export async function pause(clock: Clock, milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => void clock.after(milliseconds, resolve));
}

/**
 * Waits for the work, that long at the most; what is late goes on unwatched.
 * @returns whether it succeeded in time. @throws what it threw in time
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
