import type { Observation } from './observation.js';
import { hasWork, observationWindow, type ObservationWindow } from './observation-window.js';
import {
  isComparable,
  noVerdict,
  scalingVerdict,
  verdictWithoutBasis,
  type ScalingVerdict,
} from './scaling-verdict.js';
import { MEASURED_SECONDS, MIN_AFTER_SECONDS, SETTLE_SECONDS } from './verdict-timing.js';

/** The configuration of the consumers. */
export interface SetUp {
  readonly consumers: number;
  /** In-flight limit of each consumer; `null`: they differ. */
  readonly inFlight: number | 'auto' | null;
}

/** Time after which a scaling that never settles gets the verdict `unknown`. */
const TIMEOUT_MS = 60_000;

/** A change of the configuration whose effect is being measured. Changes before its verdict are merged into it. */
export class Scaling {
  readonly kind = 'scaling';
  /** `null` while it is being measured. */
  verdict: ScalingVerdict | null = null;
  private savedAfter: number | null = null;
  private lastChangeAt: number;
  private diedMeanwhile: string | undefined;

  constructor(
    readonly at: number,
    readonly from: SetUp,
    private current: SetUp,
    private readonly windowBefore: ObservationWindow | undefined,
  ) {
    this.lastChangeAt = at;
  }

  get to(): SetUp {
    return this.current;
  }

  /** Saved per second before the change; `null` when there was too little to save, so that the rate says nothing. */
  get before(): number | null {
    return this.windowBefore !== undefined && isComparable(this.windowBefore) ? this.windowBefore.savedPerSecond : null;
  }

  /** Saved per second after the change; `null` unless it was measured. */
  get after(): number | null {
    return this.savedAfter;
  }

  merge(to: SetUp, at: number): void {
    this.current = to;
    this.lastChangeAt = at;
  }

  /** Delays the measurement: consumers start or drain, partitions are reassigned, or a consumer died. */
  postpone(at: number, died?: string): void {
    this.lastChangeAt = at;
    this.diedMeanwhile ??= died;
  }

  /** Sets the verdict once the window after the change is long enough. @param observations in chronological order */
  judge(observations: readonly Observation[]): void {
    const now = observations.at(-1)?.at ?? this.at;
    const since = this.lastChangeAt + 1_000 * SETTLE_SECONDS;
    const settled = observations.filter(({ at }) => at >= since);
    const firstIdle = settled.findIndex((each) => !hasWork(each));
    const after = observationWindow(firstIdle < 0 ? settled : settled.slice(0, firstIdle));
    const seconds = after?.seconds ?? 0;
    if (after !== undefined && seconds >= (firstIdle < 0 ? MEASURED_SECONDS : MIN_AFTER_SECONDS)) this.conclude(after);
    else if (firstIdle >= 0 && now - since >= 1_000 * MEASURED_SECONDS) this.verdict = this.tooLittle(seconds);
    else if (now - this.at > TIMEOUT_MS) this.verdict = noVerdict(this.reasonOfTimeout());
  }

  private conclude(after: ObservationWindow): void {
    this.verdict = scalingVerdict(this.windowBefore, after);
    this.savedAfter = this.verdict.outcome === 'unknown' ? null : after.savedPerSecond;
  }

  private tooLittle(seconds: number): ScalingVerdict {
    if (this.before === null) return verdictWithoutBasis(this.windowBefore);
    const left = seconds < 1 ? 'no backlog was left' : `the backlog lasted ${Math.floor(seconds)} s`;
    return noVerdict(`no verdict: after the change ${left}, a verdict needs ${MIN_AFTER_SECONDS} s`);
  }

  private reasonOfTimeout(): string {
    return this.diedMeanwhile === undefined
      ? 'no verdict: the pipeline did not settle within a minute'
      : `no verdict: ${this.diedMeanwhile} died while the effect was being measured; scale again`;
  }
}
