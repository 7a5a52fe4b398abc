import { pause, type Clock } from '@orders-pipeline/clock';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { ConsumerCount, LoadObservation, StepVerdict, AutoscaleState } from '#autoscaling/autoscale-state.js';
import type { Decision, DecisionReason } from '#autoscaling/decision.js';
import { AutoscalePolicy, resumed } from '#autoscaling/autoscale-policy.js';
import { isCalm, hasWork, livingOf, type Observation } from '../changes/observation.js';
import type { PipelineChange } from '../changes/pipeline-changes.js';
import type { AutoscaleMode } from './autoscaling-settings.js';
import type { Actuator } from './actuators.js';
import type { AutoscalerStore, KeptDecision } from './autoscaler-store.js';
import type { AutoscalingStatus } from './autoscaling-status.js';

/** What the console knows at one moment, as the policy needs it; `null`: unknown. */
interface ObservedLoad {
  /** `undefined`: a part of the snapshot is unknown. */
  readonly observation: Observation | undefined;
  readonly producedPerSecond: number | null;
  readonly savedPerSecond: number | null;
  readonly changes: readonly PipelineChange[];
  /** The figures show the effect of a crash. */
  readonly isDisturbed: boolean;
}

/** @returns only the number of consumers when a figure of the load is unknown */
export function toLoadObservation(
  { observation, producedPerSecond, savedPerSecond, isDisturbed, changes }: ObservedLoad,
  count: ConsumerCount,
): LoadObservation | ConsumerCount {
  if (observation === undefined || producedPerSecond === null || savedPerSecond === null) return count;
  const { at, partitions, lagRecords, inFlight, inFlightLimit } = observation;
  const alive = [...livingOf(observation).values()];
  return {
    ...count,
    at,
    partitions,
    lagRecords,
    arrivalPerSecond: producedPerSecond,
    savedPerSecond,
    used: inFlightLimit === 0 ? 0 : inFlight / inFlightLimit,
    hasWork: hasWork(observation),
    isCalm: isCalm(observation) && !isDisturbed,
    isSuspended: alive.length > 0 && alive.every(({ state }) => state === 'waiting'),
    verdict: lastVerdict(changes),
  };
}

/** The verdict on the last change of the number of consumers, if it has one. */
function lastVerdict(changes: readonly PipelineChange[]): StepVerdict | null {
  const last = changes.findLast(({ from, to }) => from !== null && to !== null && from.consumers !== to.consumers);
  if (last === undefined || last.from === null || last.to === null || last.verdict === null) return null;
  const { outcome, factor, bound } = last.verdict;
  return { from: last.from.consumers, to: last.to.consumers, at: last.at, outcome, factor, bound };
}

/** Reasons to wait that a person wants to know about. The others, such as that consumers carry the load, are the usual course. */
const NOTED: ReadonlySet<DecisionReason> = new Set([
  'bound',
  'at-maximum',
  'not-worth-a-pause',
  'stalled',
  'suspended',
  'held-by-hand',
]);
/** The same reason to wait is kept again after this time: it may come and go with each burst. */
const AGAIN_AFTER_MS = 300_000;

/**
 * Chooses the decisions to keep, of one decision a second: steps, verdicts, and new reasons to wait. At most about 13 an hour of each reason, so
 * that a week of them is small.
 */
export class DecisionNews {
  private readonly keptAt = new Map<string, number>();
  private last: Decision | undefined;

  constructor(private readonly mode: AutoscaleMode) {}

  /** @param at milliseconds since 1970 */
  isNews(decision: Decision, at: number): boolean {
    const before = this.last;
    this.last = decision;
    if (decision.verdict !== null) return true;
    if (decision.kind !== 'keep') return this.mode === 'on' || this.isDue(keyOf(decision), at);
    if (before?.reason === 'held-by-hand' && decision.reason !== 'held-by-hand') return true;
    return NOTED.has(decision.reason) && before?.reason !== decision.reason && this.isDue(decision.reason, at);
  }

  private isDue(key: string, at: number): boolean {
    if (at - (this.keptAt.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_AFTER_MS) return false;
    this.keptAt.set(key, at);
    return true;
  }
}

/** In a dry run the same step is decided each second, until a person makes it. */
function keyOf({ kind, reason, to }: Decision): string {
  return `${kind} ${reason} ${to}`;
}

const EVERY_MS = 1_000;

/** What the console has observed, without what only the actuator or a person knows. */
export interface SeenLoad extends ObservedLoad {
  /** How many consumers belong to the configuration, by their heartbeats; `null`: unknown. */
  readonly configuredConsumers: number | null;
}

interface AutoscalerParts {
  readonly status: AutoscalingStatus;
  readonly store: AutoscalerStore;
  /** `null`: another scaler, such as KEDA, asks for the wanted number. */
  readonly actuator: Actuator | null;
  /** Returns what was observed last; `undefined`: nothing yet. */
  readonly observe: () => SeenLoad | undefined;
  readonly onKept: (decision: KeptDecision) => void;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Runs the policy once a second, in the one console that has the lease. It stores the state before it acts: after a crash the next console
 * repeats the last request, which changes nothing if it was carried out.
 */
export class Autoscaler {
  private readonly policy: AutoscalePolicy;
  private readonly news: DecisionNews;
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();
  private isHeld = false;
  private state: AutoscaleState | null = null;

  constructor(private readonly parts: AutoscalerParts) {
    const { mode, limits } = parts.status;
    const foreignCounts = parts.actuator?.foreignCounts ?? 'ignore';
    this.policy = new AutoscalePolicy({ limits, isApplied: mode === 'on', foreignCounts });
    this.news = new DecisionNews(mode);
  }

  start(): void {
    this.ended = this.loop();
  }

  /** Ends after the cycle in progress, and lets another console take over at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
    if (this.isHeld) await this.parts.store.release().catch((error: unknown) => this.failed(error));
  }

  private async loop(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.cycle();
      await pause(this.parts.clock, EVERY_MS);
    }
  }

  /** One observation, and what follows from it. Never rejects. */
  async cycle(): Promise<void> {
    const { status } = this.parts;
    try {
      if (!this.isHeld && !(await this.takeLease())) return;
      const observation = await this.observation();
      const { state, decision } = this.policy.next(this.state, observation);
      if (!(await this.saved(state, decision))) return;
      await this.act(state, observation);
      await this.report(decision);
      status.failure = null;
    } catch (error) {
      this.failed(error);
    }
  }

  private async takeLease(): Promise<boolean> {
    const { store, status } = this.parts;
    const { isHeld, stored } = await store.take();
    this.isHeld = isHeld;
    status.isStandby = !isHeld;
    status.latest = stored ?? status.latest;
    // What was learned in another mode is from other steps.
    this.state = stored?.mode === status.mode ? stored.state : null;
    return isHeld;
  }

  private async observation(): Promise<LoadObservation | ConsumerCount | null> {
    const { observe, actuator, status, clock } = this.parts;
    const seen = observe();
    const consumers = actuator === null ? (seen?.configuredConsumers ?? null) : await actuator.present();
    if (consumers === null) return null;
    const count = { at: Math.floor(clock.now()), consumers, byHand: status.takeByHand() };
    return seen === undefined ? count : toLoadObservation(seen, count);
  }

  private async saved(state: AutoscaleState | null, decision: Decision): Promise<boolean> {
    const { store, status } = this.parts;
    const stored = { mode: status.mode, state, decision };
    const { isHeld, isResumeRequested } = await store.save(stored);
    this.isHeld = isHeld;
    if (!isHeld) return false;
    this.state = state !== null && isResumeRequested ? resumed(state) : state;
    status.latest = stored;
    return true;
  }

  /** Requests the number of a step until it is seen: a request may be lost with a crash. */
  private async act(state: AutoscaleState | null, observation: ConsumerCount | null): Promise<void> {
    const { actuator, status } = this.parts;
    if (actuator === null || status.mode !== 'on' || state?.step == null || state.step.isApplied) return;
    if (observation?.consumers !== state.wanted) await actuator.set(state.wanted);
  }

  private async report(decision: Decision): Promise<void> {
    const { clock, store, status, logger, onKept } = this.parts;
    const at = Math.floor(clock.now());
    if (!this.news.isNews(decision, at)) return;
    const kept = { ...decision, id: uuidv7({ msecs: at }), at: new Date(at), mode: status.mode };
    status.newest = kept;
    const { kind, reason, from, to, text } = decision;
    logger.info({ kind, reason, from, to, mode: status.mode }, `autoscaler: ${text}`);
    onKept(kept);
    await store.keep(kept);
  }

  private failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const { status, logger } = this.parts;
    if (status.failure !== reason) logger.warn({ reason }, 'the autoscaler can not go on, retrying');
    status.failure = reason;
    this.isHeld = false;
  }
}
