import { timeLimit } from '#orders/time-limit.js';
import { hasWork, observationWindow, type ObservationWindow, type Observation } from './observation.js';
import type { ScalingVerdict, SetUp } from '../pipeline/pipeline-response.js';
import type { Crash } from './membership.js';
import { MEASURED_SECONDS, MIN_AFTER_SECONDS, SETTLE_SECONDS } from './verdict-timing.js';

/** What limits the throughput of the pipeline. */
type Bound = NonNullable<ScalingVerdict['bound']>;

/** Factors below this can be chance. */
const NOTABLE = 1.1;
/** In CPU cores; a consumer works on one thread. */
const BUSY_CORE = 0.85;
const BUSY_MACHINE = 0.9;
/** When there is enough work, a consumer that uses less than this share of its in-flight limit waits for its keys. */
const FULL = 0.8;

/**
 * Judges a change of the number of consumers or of the in-flight limit by some seconds before and after it.
 * @param after a window in which there was enough work
 */
export function scalingVerdict(before: ObservationWindow | undefined, after: ObservationWindow): ScalingVerdict {
  if (before === undefined || !isComparable(before)) return verdictWithoutBasis(before);
  const factor = after.savedPerSecond / before.savedPerSecond;
  const times = `${factor.toFixed(factor < 10 ? 2 : 0)} times the throughput`;
  const isAuto = before.isAuto || after.isAuto;
  const possible = isAuto ? after.consumers / before.consumers : after.inFlightLimit / before.inFlightLimit;
  if (possible < 1) return verdictOnReduction(factor, times);
  const bound = factor < possible / NOTABLE ? findBound(after) : null;
  if (factor >= NOTABLE)
    return {
      outcome: 'faster',
      factor,
      bound,
      text: `${times}${bound ? `; now bound by ${NAMES[bound]}` : ''}`,
    };
  const because = bound ? `: bound by ${NAMES[bound]}` : '';
  if (factor < 1 / NOTABLE) return { outcome: 'slower', factor, bound, text: `${times}, slower than before${because}` };
  return { outcome: 'no-gain', factor, bound, text: `${times}, no gain${because}` };
}

/** Judges a change to fewer consumers or a lower in-flight limit, which is expected to be slower. */
function verdictOnReduction(factor: number, times: string): ScalingVerdict {
  if (factor >= NOTABLE) return { outcome: 'faster', factor, bound: null, text: `${times}, faster with less capacity` };
  if (factor < 1 / NOTABLE)
    return { outcome: 'slower', factor, bound: null, text: `${times}, slower, as expected with less capacity` };
  return { outcome: 'no-gain', factor, bound: null, text: `${times}, as fast as before with less capacity` };
}

const NAMES: Readonly<Record<Bound, string>> = {
  partitions: 'partitions: there are more consumers than partitions',
  keys: 'keys: too few are active, and each key is saved in order',
  cpu: 'CPU',
  database: 'the database: each save takes longer now',
};

/** Returns the first limit that applies; the database is the one left when nothing else explains it. */
function findBound({ consumers, partitions, used, consumerCores, machineLoad }: ObservationWindow): Bound {
  if (consumers > partitions) return 'partitions';
  if (consumerCores >= BUSY_CORE || machineLoad >= BUSY_MACHINE) return 'cpu';
  return used < FULL ? 'keys' : 'database';
}

/** Returns whether a change can be compared with this window before it. */
function isComparable({ hadWork, savedPerSecond }: ObservationWindow): boolean {
  return hadWork && savedPerSecond > 0;
}

/** Returns why a window before a change can't be compared with. @param before `undefined`: nothing was observed */
function verdictWithoutBasis(before: ObservationWindow | undefined): ScalingVerdict {
  if (before === undefined) return noVerdict('no verdict: the configuration before ran too short to be compared with');
  return noVerdict('no verdict: before the change there was too little to save; generate orders first');
}

/** @param text why no verdict is possible */
function noVerdict(text: string): ScalingVerdict {
  return { outcome: 'unknown', factor: null, bound: null, text };
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
