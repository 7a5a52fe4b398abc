import { carriedBy } from '#autoscaling/capacity.js';
import { DAY_SECONDS, RATE_PER_CONSUMER, type SeededDay } from './seeded-day.js';

/** What all scalers work with. */
export interface SimulatedSetUp {
  readonly partitions: number;
  readonly maxConsumers: number;
  /** From a request for more consumers until they have started. */
  readonly startSeconds: number;
  /** A rebalance stops all saves for so long. */
  readonly pauseSeconds: number;
  readonly drainSeconds: number;
}

export const SET_UP: SimulatedSetUp = {
  partitions: 60,
  maxConsumers: 12,
  startSeconds: 10,
  pauseSeconds: 5,
  drainSeconds: 120,
};

interface Change {
  readonly to: number;
  /** When the consumers have started. */
  readonly startsAt: number;
}

/** Saves the orders of a day with a number of consumers that scalers change, one second after another. Time is simulated. */
export class SimulatedPipeline {
  second = 0;
  lag = 0;
  /** Saved, and arrived, in the last second. */
  saved = 0;
  arrived = 0;
  /** How many consumers there should be. */
  wanted: number;
  /** How many have partitions. */
  working: number;
  rebalances = 0;
  /** Seconds in which the oldest order that waited was older than the goal. */
  secondsBeyond = 0;
  consumerSeconds = 0;
  private change: Change | null = null;
  private pausedUntil = 0;
  private savedInAll = 0;
  private arrivedInAll = 0;
  /** Arrived up to each second, to know the age of the oldest order. */
  private readonly arrivedBy = new Float64Array(DAY_SECONDS);
  private oldest = 0;

  constructor(
    readonly day: SeededDay,
    readonly setUp: SimulatedSetUp,
    consumers = 1,
  ) {
    this.wanted = consumers;
    this.working = consumers;
  }

  /** Consumers that run and have no partitions yet. */
  get starting(): number {
    return Math.max(0, (this.change?.to ?? 0) - this.working);
  }

  get isPaused(): boolean {
    return this.second < this.pausedUntil;
  }

  /** By how much saves are as fast as usual. */
  get speed(): number {
    return this.day.speeds[this.second] ?? 1;
  }

  /** Whether keys bound the rate now. */
  get isBoundByKeys(): boolean {
    return (this.day.ceilings[this.second] ?? 0) < this.capacity();
  }

  /** Requests a number of consumers. A rebalance in progress is finished first. */
  request(count: number): void {
    if (count === this.wanted) return;
    this.wanted = count;
    this.change = { to: count, startsAt: this.second + (count > this.working ? this.setUp.startSeconds : 0) };
  }

  advance(): void {
    const { second } = this;
    this.consumerSeconds += this.working + this.starting;
    this.rebalance();
    this.arrived = this.day.arrivals[second] ?? 0;
    this.saved = this.isPaused ? 0 : Math.min(this.lag + this.arrived, this.capacity(), this.day.ceilings[second] ?? 0);
    this.lag = Math.max(0, this.lag + this.arrived - this.saved);
    this.count(second);
    this.second += 1;
  }

  private rebalance(): void {
    if (this.change === null || this.isPaused || this.second < this.change.startsAt) return;
    if (this.change.to !== this.working) {
      this.working = this.change.to;
      this.pausedUntil = this.second + this.setUp.pauseSeconds;
      this.rebalances += 1;
    }
    this.change = null;
  }

  private capacity(): number {
    const { partitions } = this.setUp;
    return carriedBy(this.working, partitions) * RATE_PER_CONSUMER * this.speed;
  }

  private count(second: number): void {
    this.savedInAll += this.saved;
    this.arrivedInAll += this.arrived;
    this.arrivedBy[second] = this.arrivedInAll;
    // Less than one order is the rounding of so many additions.
    while (this.oldest <= second && (this.arrivedBy[this.oldest] ?? 0) <= this.savedInAll + 1) this.oldest += 1;
    if (second - this.oldest > this.setUp.drainSeconds) this.secondsBeyond += 1;
  }
}
