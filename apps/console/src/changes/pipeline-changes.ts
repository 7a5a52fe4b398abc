import type { Observation } from './observation.js';
import { scalingVerdict, type ScalingVerdict } from './scaling-verdict.js';
import { hasWork, observationWindow, type ObservationWindow } from './observation-window.js';

/** How the consumers are run. */
export interface SetUp {
  readonly consumers: number;
  /** Of each of them; `null`: they differ. */
  readonly inFlight: number | 'auto' | null;
}

/** A moment at which the pipeline became another one. */
export interface PipelineChange {
  /** Seconds before now. */
  readonly secondsAgo: number;
  readonly kind: 'scaling' | 'rebalance';
  /** Of a scaling. */
  readonly from: SetUp | null;
  readonly to: SetUp | null;
  /** Saved per second, as far as they are known. */
  readonly before: number | null;
  readonly after: number | null;
  /** Of a scaling: `null` as long as it is measured. */
  readonly verdict: ScalingVerdict | null;
}

/** What is compared. */
const MEASURED_MS = 8_000;
/** After the last change of a scaling, until its effect is there: a rebalance, and the waits that were begun before. */
const SETTLES_MS = 3_000;
/** Looks after something to do has come, until the windows are full and the first waits have ended. */
const RAMP_LOOKS = 2;
/** Less says nothing. */
const LEAST_SECONDS = 2;
const KEPT_OBSERVATIONS_MS = MEASURED_MS + SETTLES_MS + 4_000;
const KEPT_MS = 15 * 60_000;
const KEPT_CHANGES = 50;
/** A verdict that isn't reached by then never is. */
const GIVEN_UP_MS = 60_000;

type Scaling = { -readonly [K in keyof Omit<PipelineChange, 'secondsAgo'>]: PipelineChange[K] } & {
  readonly at: number;
  readonly kind: 'scaling';
  /** Of the last change or rebalance that belongs to it. */
  movedAt: number;
  readonly stretchBefore: ObservationWindow | undefined;
};
type Rebalance = { readonly at: number; readonly kind: 'rebalance' };

/**
 * Notices from look to look when the set-up changes, whoever changed it, and what came of it: saved per second some seconds before and some
 * seconds after. Consumers come one after another: changes before a verdict are one change with it.
 */
export class PipelineChanges {
  private observations: readonly Observation[] = [];
  private changes: readonly (Scaling | Rebalance)[] = [];
  private now = 0;

  /** @param observation `undefined`: something is unknown, and nothing can be noticed */
  add(observation: Observation | undefined): void {
    if (observation === undefined) return;
    const before = this.observations.at(-1);
    this.now = observation.at;
    if (before !== undefined) this.notice(before, observation);
    this.observations = [
      ...this.observations.filter(({ at }) => observation.at - at <= KEPT_OBSERVATIONS_MS),
      observation,
    ];
    this.judge();
    this.changes = this.changes.filter(({ at }) => this.now - at <= KEPT_MS).slice(-KEPT_CHANGES);
  }

  /** Oldest first. */
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

  private notice(before: Observation, now: Observation): void {
    const { measured } = this;
    if (isSame(before, now)) {
      if (!isRebalanced(before, now)) return;
      if (measured === undefined) this.changes = [...this.changes, { at: now.at, kind: 'rebalance' }];
      else measured.movedAt = now.at;
    } else if (measured === undefined) this.changes = [...this.changes, this.scaling(before, now)];
    else {
      measured.to = setUpOf(now);
      measured.movedAt = now.at;
    }
  }

  private scaling(before: Observation, now: Observation): Scaling {
    const stretchBefore = this.stretchBefore(before, now);
    return {
      at: now.at,
      kind: 'scaling',
      from: setUpOf(before),
      to: setUpOf(now),
      before: stretchBefore?.savedPerSecond ?? null,
      after: null,
      verdict: null,
      movedAt: now.at,
      stretchBefore,
    };
  }

  /** Of the same set-up alone, and where it has just got something to do, from when it was at its full rate. */
  private stretchBefore(before: Observation, now: Observation): ObservationWindow | undefined {
    const from = this.observations.findLastIndex((each) => !isSame(each, before)) + 1;
    const same = this.observations.slice(from).filter(({ at }) => now.at - at <= MEASURED_MS + 2_000);
    const lastIdle = same.findLastIndex((each) => !hasWork(each));
    const busy = lastIdle < 0 ? same : same.slice(lastIdle + 1 + RAMP_LOOKS);
    const stretch = observationWindow(busy);
    return stretch !== undefined && stretch.seconds >= LEAST_SECONDS ? stretch : observationWindow(same);
  }

  private judge(): void {
    const { measured } = this;
    if (measured === undefined) return;
    const since = measured.movedAt + SETTLES_MS;
    const after = observationWindow(this.observations.filter(({ at }) => at >= since));
    if (after !== undefined && after.seconds * 1_000 >= MEASURED_MS) {
      measured.after = after.savedPerSecond;
      measured.verdict = scalingVerdict(measured.stretchBefore, after);
    } else if (this.now - measured.at > GIVEN_UP_MS)
      measured.verdict = {
        outcome: 'unknown',
        factor: null,
        bound: null,
        text: 'It did not come to rest for a minute.',
      };
  }
}

function setUpOf({ consumers, inFlightSet }: Observation): SetUp {
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
