import type { Crash } from './crash.js';
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
import { timeLimit } from '#orders/time-limit.js';

/** The configuration of the consumers. */
export interface SetUp {
  readonly consumers: number;
  /** In-flight limit of each consumer; `null`: they differ. */
  readonly inFlight: number | 'auto' | null;
}

/** Time after which a scaling that never settles gets the verdict `unknown`. */
const TIMEOUT_MS = timeLimit(60_000);

/** A change of the configuration whose effect is being measured. Its steps are merged into it. */
export class Scaling {
  readonly kind = 'scaling';
  private judged: { readonly verdict: ScalingVerdict; readonly after: number | null } | null = null;
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

  /**
   * Returns the configuration that it leads to. While it is being measured, that is the requested one: the consumers, of which some run already,
   * start or drain one after another.
   * @param requested `null`: no number of consumers is requested
   */
  towards(requested: number | null): SetUp {
    const { from, current, verdict } = this;
    const isOnTheWay = requested !== null && (requested - current.consumers) * (current.consumers - from.consumers) > 0;
    return isOnTheWay && verdict === null ? { ...current, consumers: requested } : current;
  }

  /** `null` while it is being measured. */
  get verdict(): ScalingVerdict | null {
    return this.judged?.verdict ?? null;
  }

  /** Saved per second before the change; `null` when there was too little to save, so that the rate says nothing. */
  get before(): number | null {
    return this.windowBefore !== undefined && isComparable(this.windowBefore) ? this.windowBefore.savedPerSecond : null;
  }

  /** Saved per second after the change; `null` unless it was measured. */
  get after(): number | null {
    return this.judged?.after ?? null;
  }

  /** From when on figures are those of the new configuration, as far as is known. */
  get settledAt(): number {
    return this.lastChangeAt + 1_000 * SETTLE_SECONDS;
  }

  /** Returns whether a configuration is a further step: consumers start or drain one after another. A step back, or a second limit, is another change. */
  continuesTo({ consumers, inFlight }: SetUp): boolean {
    const { from, current } = this;
    const isBack = (consumers - current.consumers) * (current.consumers - from.consumers) < 0;
    const isSecondLimit = inFlight !== current.inFlight && current.inFlight !== from.inFlight;
    return !isBack && !isSecondLimit;
  }

  merge(to: SetUp, at: number): void {
    this.current = to;
    this.lastChangeAt = at;
  }

  /** Delays the measurement: consumers start or drain, partitions are reassigned, or figures show the effect of a crash. */
  postpone(at: number): void {
    this.lastChangeAt = at;
  }

  /** Ends the measurement without a verdict: another change follows. */
  supersede(at: number): void {
    this.judge(noVerdict(`no verdict: changed again after ${Math.round((at - this.at) / 1_000)} s`));
  }

  /** A consumer died. A verdict that was given stays: all consumers had sent heartbeats until then. */
  died({ name, at }: Crash): void {
    if (this.judged !== null) return;
    this.diedMeanwhile ??= name;
    this.lastChangeAt = at;
  }

  /**
   * Sets the verdict once the window after the change is long enough, and while no consumer is late: it may have died, so that its figures
   * are missing. @param observations in chronological order
   */
  measure(observations: readonly Observation[]): void {
    const last = observations.at(-1);
    const now = last?.at ?? this.at;
    if (now - this.at <= TIMEOUT_MS && last !== undefined && hasLateConsumer(last)) return;
    const settled = observations.filter(({ at }) => at >= this.settledAt);
    const firstIdle = settled.findIndex((each) => !hasWork(each));
    const after = observationWindow(firstIdle < 0 ? settled : settled.slice(0, firstIdle));
    const seconds = after?.seconds ?? 0;
    if (after !== undefined && seconds >= (firstIdle < 0 ? MEASURED_SECONDS : MIN_AFTER_SECONDS))
      this.judge(scalingVerdict(this.windowBefore, after), after.savedPerSecond);
    else if (firstIdle >= 0 && now - this.settledAt >= 1_000 * MEASURED_SECONDS) this.judge(this.tooLittle(seconds));
    else if (now - this.at > TIMEOUT_MS)
      this.judge(noVerdict('no verdict: the pipeline did not settle within a minute'));
  }

  private judge(verdict: ScalingVerdict, after: number | null = null): void {
    const died = this.diedMeanwhile === undefined ? '' : `; ${this.diedMeanwhile} died while it was being measured`;
    this.judged = {
      verdict: { ...verdict, text: `${verdict.text}${died}` },
      after: verdict.outcome === 'unknown' ? null : after,
    };
  }

  private tooLittle(seconds: number): ScalingVerdict {
    if (this.before === null) return verdictWithoutBasis(this.windowBefore);
    const left = seconds < 1 ? 'no backlog was left' : `the backlog lasted ${Math.floor(seconds)} s`;
    return noVerdict(`no verdict: after the change ${left}, a verdict needs ${MIN_AFTER_SECONDS} s`);
  }
}

function hasLateConsumer({ consumers }: Observation): boolean {
  return [...consumers.values()].some(({ state }) => state === 'late');
}
