/** The steps of the first-run guide, in their order. */
export const STEPS = ['populate', 'watch', 'scale', 'query'] as const;
export type Step = (typeof STEPS)[number];

/** What really happened, as far as the page can see it. `null`: unknown. */
export interface Observed {
  readonly operations: number | null;
  /** Saved per second, the highest of the last hour: the chart shows it. */
  readonly savedPerSecond: number | null;
  /** Changes of the number of consumers that have a verdict. */
  readonly scalings: number;
  /** Queries of orders that the query API has answered since it started. */
  readonly queries: number | null;
}

/** The progress of the guide in one browser. */
export interface GuideProgress {
  readonly done: readonly Step[];
  readonly isDismissed: boolean;
}

export const NEW_GUIDE: GuideProgress = { done: [], isDismissed: false };

/** Decides which steps an observation completes. Queries are compared with those of the observation before. */
export class StepWatch {
  private queries: number | null = null;

  take({ operations, savedPerSecond, scalings, queries }: Observed): readonly Step[] {
    // A query API that restarts begins at 0 again.
    const isQueried = this.queries !== null && queries !== null && queries > this.queries;
    this.queries = queries ?? this.queries;
    const happened: Readonly<Record<Step, boolean>> = {
      populate: operations !== null && operations > 0,
      watch: savedPerSecond !== null && savedPerSecond > 0,
      scale: scalings > 0,
      query: isQueried,
    };
    return STEPS.filter((step) => happened[step]);
  }
}

/** Returns the progress with further steps; the same object when nothing is new. */
export function withSteps(progress: GuideProgress, steps: readonly Step[]): GuideProgress {
  const done = STEPS.filter((step) => progress.done.includes(step) || steps.includes(step));
  return done.length === progress.done.length ? progress : { ...progress, done };
}

/** Reads the stored progress. Anything else than what `JSON.stringify` of a progress returns is a new guide. */
export function readProgress(text: string | null): GuideProgress {
  try {
    const { done, isDismissed } = JSON.parse(text ?? '') as { done?: unknown; isDismissed?: unknown };
    return {
      done: STEPS.filter((step) => Array.isArray(done) && done.includes(step)),
      isDismissed: isDismissed === true,
    };
  } catch {
    // Nothing is stored yet, or it is of another version of the page.
    return NEW_GUIDE;
  }
}
