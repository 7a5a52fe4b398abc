import { pause, type Clock } from '@orders-pipeline/clock';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { AutoscalePolicy, resumed } from '#autoscaling/autoscale-policy.js';
import type { AutoscaleState } from '#autoscaling/autoscale-state.js';
import type { Decision } from '#autoscaling/decision.js';
import type { ConsumerCount, LoadObservation } from '#autoscaling/load-observation.js';
import type { Actuator } from './actuator.js';
import type { AutoscalerStore, KeptDecision } from './autoscaler-store.js';
import type { AutoscalingStatus } from './autoscaling-status.js';
import { DecisionNews } from './decision-news.js';
import { toLoadObservation, type ObservedLoad } from './to-load-observation.js';

const EVERY_MS = 1_000;

/** What the console has observed, without what only the actuator or a person knows. */
export interface SeenLoad extends ObservedLoad {
  /** How many consumers belong to the configuration, by their heartbeats; `null`: unknown. */
  readonly configuredConsumers: number | null;
}

export interface AutoscalerParts {
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

  /** Ends after the turn in progress, and lets another console take over at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
    if (this.isHeld) await this.parts.store.release().catch((error: unknown) => this.failed(error));
  }

  private async loop(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.turn();
      await pause(this.parts.clock, EVERY_MS);
    }
  }

  /** One observation, and what follows from it. Never rejects. */
  async turn(): Promise<void> {
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
