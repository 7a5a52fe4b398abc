import type { Observation } from './observation.js';
import { scalingVerdict, type ScalingVerdict } from './scaling-verdict.js';
import { hasWork, observationWindow, type ObservationWindow } from './observation-window.js';

/** The configuration of the consumers. */
export interface SetUp {
  readonly consumers: number;
  /** In-flight limit of each consumer; `null`: they differ. */
  readonly inFlight: number | 'auto' | null;
}

/** A change of the configuration, or a rebalance. */
export interface PipelineChange {
  /** Seconds before now. */
  readonly secondsAgo: number;
  readonly kind: 'scaling' | 'rebalance';
  /** Before and after a scaling; `null` for a rebalance. */
  readonly from: SetUp | null;
  readonly to: SetUp | null;
  /** Saved per second; `null`: unknown. */
  readonly before: number | null;
  readonly after: number | null;
  /** `null` while a scaling is being measured, and for a rebalance. */
  readonly verdict: ScalingVerdict | null;
}

/** Length of the window after a change, and longest window before it. */
const MEASURED_MS = 8_000;
/** Time from the last change of a scaling until its effect shows: a rebalance, and the saves that began before it. */
const SETTLE_MS = 3_000;
/** Observations after work has arrived that are skipped: the in-flight limit is not used up yet and no save has completed. */
const RAMP_OBSERVATIONS = 2;
/** Shortest usable window before a change. */
const MIN_SECONDS = 2;
const KEPT_OBSERVATIONS_MS = MEASURED_MS + SETTLE_MS + 4_000;
const KEPT_MS = 15 * 60_000;
const KEPT_CHANGES = 50;
/** Time after which a scaling that never settles gets the verdict `unknown`. */
const VERDICT_TIMEOUT_MS = 60_000;

type Scaling = { -readonly [K in keyof Omit<PipelineChange, 'secondsAgo'>]: PipelineChange[K] } & {
  readonly at: number;
  readonly kind: 'scaling';
  /** Time of the last change or rebalance that belongs to this scaling. */
  lastChangeAt: number;
  readonly windowBefore: ObservationWindow | undefined;
};
type Rebalance = { readonly at: number; readonly kind: 'rebalance' };

/**
 * Detects changes of the configuration by comparing successive observations, independent of their cause, and measures their effect: saved
 * per second some seconds before and after. Consumers start one after another, so all changes before a verdict count as one scaling.
 */
export class PipelineChanges {
  private observations: readonly Observation[] = [];
  private changes: readonly (Scaling | Rebalance)[] = [];
  private now = 0;

  /** @param observation `undefined` when a part of the snapshot is unknown: no change is detected */
  add(observation: Observation | undefined): void {
    if (observation === undefined) return;
    const before = this.observations.at(-1);
    this.now = observation.at;
    if (before !== undefined) this.detect(before, observation);
    this.observations = [
      ...this.observations.filter(({ at }) => observation.at - at <= KEPT_OBSERVATIONS_MS),
      observation,
    ];
    this.judge();
    this.changes = this.changes.filter(({ at }) => this.now - at <= KEPT_MS).slice(-KEPT_CHANGES);
  }

  /** Returns the changes, oldest first. */
  list(): PipelineChange[] {
    return this.changes.map((change) => {
      const secondsAgo = Math.round((this.now - change.at) / 1_000);
      if (change.kind === 'rebalance')
        return { secondsAgo, kind: 'rebalance', from: null, to: null, before: null, after: null, verdict: null };
      const { kind, from, to, before, after, verdict } = change;
      return { secondsAgo, kind, from, to, before, after, verdict };
    });
  }

  private get measured(): Scaling | undefined {
    const last = this.changes.findLast((change) => change.kind === 'scaling');
    return last?.kind === 'scaling' && last.verdict === null ? last : undefined;
  }

  private detect(before: Observation, now: Observation): void {
    const { measured } = this;
    if (isSame(before, now)) {
      if (!isRebalanced(before, now)) return;
      if (measured === undefined) this.changes = [...this.changes, { at: now.at, kind: 'rebalance' }];
      else measured.lastChangeAt = now.at;
    } else if (measured === undefined) this.changes = [...this.changes, this.scaling(before, now)];
    else {
      measured.to = toSetUp(now);
      measured.lastChangeAt = now.at;
    }
  }

  private scaling(before: Observation, now: Observation): Scaling {
    const windowBefore = this.windowBefore(before, now);
    return {
      at: now.at,
      kind: 'scaling',
      from: toSetUp(before),
      to: toSetUp(now),
      before: windowBefore?.savedPerSecond ?? null,
      after: null,
      verdict: null,
      lastChangeAt: now.at,
      windowBefore,
    };
  }

  /** Uses observations of the same configuration only; when work has just arrived, those at the full rate only. */
  private windowBefore(before: Observation, now: Observation): ObservationWindow | undefined {
    const from = this.observations.findLastIndex((each) => !isSame(each, before)) + 1;
    const same = this.observations.slice(from).filter(({ at }) => now.at - at <= MEASURED_MS + 2_000);
    const lastIdle = same.findLastIndex((each) => !hasWork(each));
    const busy = lastIdle < 0 ? same : same.slice(lastIdle + 1 + RAMP_OBSERVATIONS);
    const window = observationWindow(busy);
    return window !== undefined && window.seconds >= MIN_SECONDS ? window : observationWindow(same);
  }

  private judge(): void {
    const { measured } = this;
    if (measured === undefined) return;
    const since = measured.lastChangeAt + SETTLE_MS;
    const after = observationWindow(this.observations.filter(({ at }) => at >= since));
    if (after !== undefined && after.seconds * 1_000 >= MEASURED_MS) {
      measured.after = after.savedPerSecond;
      measured.verdict = scalingVerdict(measured.windowBefore, after);
    } else if (this.now - measured.at > VERDICT_TIMEOUT_MS)
      measured.verdict = {
        outcome: 'unknown',
        factor: null,
        bound: null,
        text: 'The pipeline did not settle within a minute.',
      };
  }
}

function toSetUp({ consumers, inFlightSet }: Observation): SetUp {
  return { consumers, inFlight: inFlightSet };
}

function isSame(one: Observation, other: Observation): boolean {
  return one.consumers === other.consumers && one.inFlightSet === other.inFlightSet;
}

function isRebalanced(before: Observation, now: Observation): boolean {
  return [...now.progress].some(
    ([id, { rebalances }]) => rebalances > (before.progress.get(id)?.rebalances ?? rebalances),
  );
}
