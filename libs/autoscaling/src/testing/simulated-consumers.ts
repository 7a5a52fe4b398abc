import type { AutoscalePolicy } from '../autoscale-policy.js';
import type { AutoscaleState, LoadObservation, StepVerdict } from '../autoscale-state.js';
import { carriedBy } from '../capacity.js';
import type { Decision } from '../decision.js';

/** What the simulated consumers can do. */
export interface SimulatedCapacity {
  readonly partitions: number;
  readonly ratePerConsumer: number;
  /** The most that all of them save per second, as when few keys are active. Default: no limit. */
  readonly ceiling?: number;
}

const PAUSE_SECONDS = 5;
const JUDGED_AFTER_SECONDS = 15;
const NOTABLE = 1.1;

/** Consumers that follow the policy within a second, and the verdict on each step, in simulated seconds. */
export class SimulatedConsumers {
  second = 0;
  lag = 0;
  saved = 0;
  consumers: number;
  state: AutoscaleState | null = null;
  /** All decisions but those that keep the number without a verdict. */
  readonly decisions: Decision[] = [];
  private changedAt = Number.NEGATIVE_INFINITY;
  private change: { readonly from: number; readonly to: number; readonly savedBefore: number | null } | null = null;
  private verdict: StepVerdict | null = null;

  constructor(
    private readonly policy: AutoscalePolicy,
    private readonly capacity: SimulatedCapacity,
    consumers = 1,
  ) {
    this.consumers = consumers;
  }

  /** @param byHand a number that a person requests in the first of these seconds */
  run(seconds: number, arrivalPerSecond: number, byHand: number | null = null): this {
    for (let passed = 0; passed < seconds; passed += 1) this.advance(arrivalPerSecond, passed === 0 ? byHand : null);
    return this;
  }

  /** Adds orders at once. */
  add(orders: number): this {
    this.lag += orders;
    return this;
  }

  private advance(arrivalPerSecond: number, byHand: number | null): void {
    if (byHand !== null) this.scale(byHand);
    this.second += 1;
    const isPaused = this.second - this.changedAt < PAUSE_SECONDS;
    const { partitions, ratePerConsumer, ceiling = Number.POSITIVE_INFINITY } = this.capacity;
    const most = Math.min(ceiling, carriedBy(this.consumers, partitions) * ratePerConsumer);
    this.saved = isPaused ? 0 : Math.min(this.lag + arrivalPerSecond, most);
    this.lag += arrivalPerSecond - this.saved;
    this.judge();
    const observation = this.observation(arrivalPerSecond, isPaused, byHand);
    // Stored and read again once a minute: the policy may keep nothing else.
    if (this.second % 60 === 0) this.state = JSON.parse(JSON.stringify(this.state)) as AutoscaleState | null;
    const { state, decision } = this.policy.next(this.state, observation);
    this.state = state;
    if (decision.kind !== 'keep' || decision.verdict !== null) this.decisions.push(decision);
    if (state !== null && state.wanted !== this.consumers) this.scale(state.wanted);
  }

  private scale(to: number): void {
    const savedBefore = this.lag > this.saved && this.saved > 0 ? this.saved : null;
    this.change = { from: this.consumers, to, savedBefore };
    this.verdict = null;
    this.consumers = to;
    this.changedAt = this.second;
  }

  private judge(): void {
    if (this.change === null || this.second - this.changedAt < JUDGED_AFTER_SECONDS) return;
    const { from, to, savedBefore } = this.change;
    const factor = savedBefore === null || this.lag <= this.saved ? null : this.saved / savedBefore;
    const outcome =
      factor === null ? 'unknown' : factor >= NOTABLE ? 'faster' : factor < 1 / NOTABLE ? 'slower' : 'no-gain';
    const bound = outcome === 'no-gain' ? 'keys' : null;
    this.verdict = { from, to, at: 1_000 * this.changedAt, outcome, factor, bound };
    this.change = null;
  }

  private observation(arrivalPerSecond: number, isPaused: boolean, byHand: number | null): LoadObservation {
    const { second, consumers, lag, saved, verdict, capacity } = this;
    const { partitions, ratePerConsumer } = capacity;
    return {
      at: 1_000 * second,
      consumers,
      partitions,
      lagRecords: lag,
      arrivalPerSecond,
      savedPerSecond: saved,
      used: Math.min(1, saved / (carriedBy(consumers, partitions) * ratePerConsumer)),
      hasWork: lag > saved,
      isCalm: !isPaused,
      isSuspended: false,
      verdict,
      byHand,
    };
  }
}
