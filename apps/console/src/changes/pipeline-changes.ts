import type { ReportedChange, SetUp } from '../pipeline/pipeline-response.js';
import { Crash, Membership } from './membership.js';
import {
  isCalm,
  hasWork,
  livingOf,
  observationWindow,
  type Observation,
  type ObservationWindow,
} from './observation.js';
import { Scaling } from './scaling.js';
import { MEASURED_SECONDS, MIN_BEFORE_SECONDS, SETTLE_SECONDS } from './verdict-timing.js';

/** A change of the configuration, a rebalance without one, or the death of a consumer. */
export type PipelineChange = Omit<ReportedChange, 'at' | 'secondsAgo'> & {
  /** Milliseconds since 1970. */
  readonly at: number;
};

interface Rebalance {
  readonly at: number;
  readonly kind: 'rebalance';
}

interface Seen {
  readonly observation: Observation;
  readonly setUp: SetUp;
  /** The figures show the effect of a crash. */
  readonly isDisturbed: boolean;
}

/** Observations after work has arrived that are skipped: the in-flight limit is not used up yet and no save has completed. */
const RAMP_OBSERVATIONS = 2;
/** So many equal observations make a configuration that others are compared with. */
const SETTLED_OBSERVATIONS = 3;
/** The load of a single second says little. */
const LOAD_OBSERVATIONS = 5;
const KEPT_OBSERVATIONS_MS = 1_000 * (MEASURED_SECONDS + SETTLE_SECONDS + 4);
const KEPT_MS = 3_600_000;
/** Rebalances are counted apart, so that a flapping consumer does not displace verdicts. About 400 bytes each, 20 kB in all. */
const KEPT_CHANGES = 30;
const KEPT_REBALANCES = 20;

/**
 * Detects changes by comparing successive observations, independent of their cause, and measures the effect of scalings: saved per second some
 * seconds before and after. Consumers start one after another, so steps in the same direction before a verdict are one scaling.
 */
export class PipelineChanges {
  private readonly membership = new Membership();
  private seen: readonly Seen[] = [];
  private changes: readonly (Scaling | Rebalance | Crash)[] = [];

  /** @param observation `undefined` when a part of the snapshot is unknown: no change is detected */
  add(observation: Observation | undefined): void {
    if (observation === undefined) return;
    const { at } = observation;
    const before = this.seen.at(-1);
    this.detectCrashes(observation);
    const seen = { observation, setUp: this.setUp(observation, before), isDisturbed: this.isDisturbed(at) };
    if (before !== undefined) this.detect(before, seen);
    this.seen = [...this.seen.filter((each) => at - each.observation.at <= KEPT_OBSERVATIONS_MS), seen];
    this.measured?.measure(this.seen.map((each) => each.observation));
    this.changes = withinBounds(this.changes, at);
  }

  /** How many consumers there are, with those that died and are being replaced; `null`: nothing was observed yet. */
  get configuredConsumers(): number | null {
    return this.seen.length === 0 ? null : this.membership.size;
  }

  /** Mean load of the busiest machine that runs a consumer over the last observations, 0 to 1; `null`: nothing was observed yet. */
  get machineLoad(): number | null {
    const recent = this.seen.slice(-LOAD_OBSERVATIONS);
    return recent.length === 0
      ? null
      : recent.reduce((sum, { observation }) => sum + observation.machineLoad, 0) / recent.length;
  }

  /**
   * Returns the changes of the last hour, oldest first.
   * @param requested the number of consumers that start or drain until so many run; `null`: none is requested
   */
  list(requested: number | null = null): PipelineChange[] {
    return this.changes.map((change) => {
      const { at, kind } = change;
      const none = { from: null, to: null, before: null, after: null, verdict: null, crash: null };
      if (change.kind === 'rebalance') return { ...none, at, kind };
      if (change.kind === 'crash') return { ...none, at, kind, crash: change.report };
      const { from, before, after, verdict } = change;
      return { at, kind, from, to: change.towards(requested), before, after, verdict, crash: null };
    });
  }

  /** Returns whether the figures show the effect of a crash. */
  isDisturbed(now: number): boolean {
    return this.crashes().some((crash) => crash.isDisturbing(now));
  }

  private get lastScaling(): Scaling | undefined {
    return this.changes.findLast((change): change is Scaling => change.kind === 'scaling');
  }

  private get measured(): Scaling | undefined {
    const { lastScaling } = this;
    return lastScaling?.verdict === null ? lastScaling : undefined;
  }

  private crashes(): Crash[] {
    return this.changes.filter((change): change is Crash => change.kind === 'crash');
  }

  private detectCrashes(observation: Observation): void {
    const { died, returned } = this.membership.add(observation);
    for (const [id, consumer] of died) {
      const crash = new Crash(observation.at - consumer.silentMs, id, consumer);
      this.changes = [...this.changes, crash];
      this.lastScaling?.died(crash);
    }
    for (const crash of this.crashes()) {
      if (returned.some((id) => crash.isOf(id))) crash.markReturned();
      crash.add(observation);
    }
  }

  /** While no consumer is alive, or a new limit has not reached all of them, the limit is that of before. */
  private setUp({ inFlightSet }: Observation, before: Seen | undefined): SetUp {
    return { consumers: this.membership.size, inFlight: inFlightSet ?? before?.setUp.inFlight ?? null };
  }

  private detect(before: Seen, now: Seen): void {
    const { measured } = this;
    const { at } = now.observation;
    if (!isSame(before.setUp, now.setUp)) {
      if (measured?.continuesTo(now.setUp)) measured.merge(now.setUp, at);
      else if (measured !== undefined || this.wasSettled(before)) {
        measured?.supersede(at);
        this.changes = [...this.changes, this.scaling(before, now, measured?.settledAt)];
      }
    } else if (measured !== undefined) {
      if (now.isDisturbed || !isCalm(now.observation) || isRebalanced(before, now)) measured.postpone(at);
    } else if (isRebalanced(before, now) && !now.isDisturbed)
      this.changes = [...this.changes, { at, kind: 'rebalance' }];
  }

  /** While the pipeline starts, consumers come one after another: that is no scaling. */
  private wasSettled({ setUp }: Seen): boolean {
    const recent = this.seen.slice(-SETTLED_OBSERVATIONS);
    const isSteady = recent.length === SETTLED_OBSERVATIONS && recent.every((each) => isSame(each.setUp, setUp));
    return setUp.consumers > 0 && isSteady && recent.some(({ observation }) => isCalm(observation));
  }

  private scaling(before: Seen, { observation: { at }, setUp }: Seen, settledAt = 0): Scaling {
    return new Scaling(at, before.setUp, setUp, this.windowBefore(before, at, settledAt));
  }

  /** Uses observations of the same, settled configuration only; when work has just arrived, those at the full rate only. */
  private windowBefore({ setUp }: Seen, now: number, settledAt: number): ObservationWindow | undefined {
    const from = this.seen.findLastIndex((each) => each.isDisturbed || !isSame(each.setUp, setUp)) + 1;
    const same = this.seen
      .slice(from)
      .map(({ observation }) => observation)
      .filter(({ at }) => at >= settledAt && now - at <= 1_000 * (MEASURED_SECONDS + 2));
    const lastIdle = same.findLastIndex((each) => !hasWork(each));
    const busy = lastIdle < 0 ? same : same.slice(lastIdle + 1 + RAMP_OBSERVATIONS);
    const window = observationWindow(busy);
    if (window !== undefined && window.seconds >= MIN_BEFORE_SECONDS) return window;
    return lastIdle < 0 ? undefined : observationWindow(same);
  }
}

function isSame(one: SetUp, other: SetUp): boolean {
  return one.consumers === other.consumers && one.inFlight === other.inFlight;
}

function isRebalanced({ observation: before }: Seen, { observation: now }: Seen): boolean {
  const earlier = livingOf(before);
  return [...livingOf(now)].some(([id, { rebalances }]) => rebalances > (earlier.get(id)?.rebalances ?? rebalances));
}

function withinBounds<T extends { readonly at: number; readonly kind: string }>(
  changes: readonly T[],
  now: number,
): readonly T[] {
  const recent = changes.filter(({ at }) => now - at <= KEPT_MS);
  const newest = (isWanted: (change: T) => boolean, count: number): readonly T[] =>
    recent.filter((each) => isWanted(each)).slice(-count);
  const kept = new Set([
    ...newest(({ kind }) => kind === 'rebalance', KEPT_REBALANCES),
    ...newest(({ kind }) => kind !== 'rebalance', KEPT_CHANGES),
  ]);
  return recent.filter((each) => kept.has(each));
}
