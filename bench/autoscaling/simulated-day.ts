import { carriedBy } from '#autoscaling/capacity.js';
import { seededRandom } from '../../test/support/member/seeded-random.js';

export const DAY_SECONDS = 86_400;
/** What one consumer saves per second: 1,000 orders in flight, 0.5 s each. */
export const RATE_PER_CONSUMER = 2_000;

/** A time in which something is special. */
export interface DayEvent {
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

/** The load of one day, by the second. */
export interface SeededDay {
  readonly seed: number;
  /** Orders that arrive. */
  readonly arrivals: Float64Array;
  /** By how much saves are as fast as usual: 0 while the database is stalled. */
  readonly speeds: Float64Array;
  /** The highest number of saves, whatever the number of consumers: infinite unless keys bound it. */
  readonly ceilings: Float64Array;
  readonly events: readonly DayEvent[];
}

const HOUR = 3_600;
/** Load of the night and of the day, in consumers. */
const NIGHT: readonly [number, number] = [0.4, 0.9];
const NOON: readonly [number, number] = [5, 9];
const BURSTS: readonly [number, number] = [4, 7];

/**
 * Makes a day: a quiet night, a ramp in the morning, steps every hour, a ramp in the evening, bursts, a stalled and a slow database, and a
 * hot key. The same seed makes the same day.
 */
export function seededDay(seed: number): SeededDay {
  const random = seededRandom(seed);
  const between = ([least, most]: readonly [number, number]): number => least + (most - least) * random();
  const arrivals = baseLoad(between);
  const events: DayEvent[] = [];
  const speeds = new Float64Array(DAY_SECONDS).fill(1);
  const ceilings = new Float64Array(DAY_SECONDS).fill(Number.POSITIVE_INFINITY);
  addBursts(arrivals, events, between);
  const span = (label: string, hours: readonly [number, number], minutes: readonly [number, number]): DayEvent => {
    const from = Math.floor(between(hours) * HOUR);
    const event = { label, from, to: from + Math.floor(between(minutes) * 60) };
    events.push(event);
    return event;
  };
  const stalled = span('database stalled', [9, 11.5], [5, 10]);
  speeds.fill(0, stalled.from, stalled.to);
  const slow = span('slow database', [15, 16.5], [20, 50]);
  speeds.fill(between([0.6, 0.8]), slow.from, slow.to);
  const hot = span('hot key', [12.2, 13.5], [20, 40]);
  ceilings.fill(between([0.75, 0.9]) * (arrivals[hot.from] ?? 0), hot.from, hot.to);
  for (let second = 0; second < DAY_SECONDS; second += 1)
    arrivals[second] = (arrivals[second] ?? 0) * between([0.9, 1.1]);
  return { seed, arrivals, speeds, ceilings, events };
}

function baseLoad(between: (range: readonly [number, number]) => number): Float64Array {
  const hours = Array.from({ length: 25 }, (_, hour) => (hour >= 9 && hour <= 17 ? between(NOON) : between(NIGHT)));
  const [morning, evening] = [hours[9] ?? 0, hours[17] ?? 0];
  const arrivals = new Float64Array(DAY_SECONDS);
  for (let second = 0; second < DAY_SECONDS; second += 1) {
    const hour = second / HOUR;
    const night = hours[Math.floor(hour / 4)] ?? 0;
    const level =
      hour >= 6.5 && hour < 9
        ? night + ((morning - night) * (hour - 6.5)) / 2.5
        : hour >= 18 && hour < 21
          ? evening + ((night - evening) * (hour - 18)) / 3
          : hour >= 9 && hour < 18
            ? (hours[Math.floor(hour)] ?? 0)
            : night;
    arrivals[second] = level * RATE_PER_CONSUMER;
  }
  return arrivals;
}

/** Adds bursts: many orders within seconds, at any time of the day. */
function addBursts(
  arrivals: Float64Array,
  events: DayEvent[],
  between: (range: readonly [number, number]) => number,
): void {
  const bursts = Math.round(between(BURSTS));
  for (let burst = 0; burst < bursts; burst += 1) {
    const from = Math.floor(between([0, DAY_SECONDS - 600]));
    const seconds = Math.floor(between([10, 60]));
    const orders = between([60, 400]) * RATE_PER_CONSUMER;
    for (let second = from; second < from + seconds; second += 1)
      arrivals[second] = (arrivals[second] ?? 0) + orders / seconds;
    events.push({ label: 'burst', from, to: from + seconds });
  }
}

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

/** Decides each second how many consumers there should be. */
export interface Scaler {
  /** @returns the number wanted now */
  decide(pipeline: SimulatedPipeline): number;
}

/** How a day went. */
export interface DayFigures {
  readonly secondsBeyond: number;
  readonly consumerHours: number;
  readonly rebalances: number;
}

/** @param observe called after each second */
export function runDay(
  day: SeededDay,
  setUp: SimulatedSetUp,
  scaler: Scaler,
  observe?: (pipeline: SimulatedPipeline) => void,
): DayFigures {
  const pipeline = new SimulatedPipeline(day, setUp);
  for (let second = 0; second < DAY_SECONDS; second += 1) {
    pipeline.request(scaler.decide(pipeline));
    pipeline.advance();
    observe?.(pipeline);
  }
  const { secondsBeyond, consumerSeconds, rebalances } = pipeline;
  return { secondsBeyond, consumerHours: consumerSeconds / 3_600, rebalances };
}
