import { carriedBy } from '#autoscaling/capacity.js';
import { DAY_SECONDS, RATE_PER_CONSUMER, type SeededDay, type SimulatedSetUp } from './simulated-day.js';

/** It may change the number this often. */
export const SLOT_SECONDS = 10;
const SLOTS = DAY_SECONDS / SLOT_SECONDS;
/** Values of the lag, closer together where it is small. Between two of them the cost is interpolated. */
const LEVELS = 160;
/** What a second beyond the goal costs, in consumer seconds: more than all consumers could. */
const BEYOND_COST = 1_000;

/** What happens in a slot, whatever is decided. */
interface Slot {
  readonly arrived: number;
  /** The oldest order is older than the goal when the lag is above this: what arrived within the goal. */
  readonly lateAbove: number;
  /** Saved by so many consumers, at index `count - 1`. */
  readonly saves: Float64Array;
}

/**
 * Plans a day that is known: the number of consumers in each slot, with the least time beyond the goal, and among those plans the fewest
 * consumer hours. It pays the same pauses as everyone. Dynamic programming, from the last slot to the first, over the number of
 * consumers and the lag.
 */
export function oraclePlan(day: SeededDay, setUp: SimulatedSetUp): Uint8Array {
  const slots = slotsOf(day, setUp);
  const levels = levelsOf(slots, setUp);
  const planner = new Planner(setUp, slots, levels);
  for (let slot = SLOTS - 1; slot >= 0; slot -= 1) planner.back(slot);
  return planner.forward();
}

class Planner {
  private readonly costs: Float32Array;
  private readonly most: number;
  /** Cost of having `count` in a slot from a lag, without and with a rebalance. */
  private readonly staying: Float64Array;
  private readonly changing: Float64Array;

  constructor(
    private readonly setUp: SimulatedSetUp,
    private readonly slots: readonly Slot[],
    private readonly levels: Float64Array,
  ) {
    this.most = setUp.maxConsumers;
    this.costs = new Float32Array((SLOTS + 1) * this.most * LEVELS);
    this.staying = new Float64Array(this.most * LEVELS);
    this.changing = new Float64Array(this.most * LEVELS);
  }

  /** Computes the least cost from each state at the begin of a slot to the end of the day. */
  back(slot: number): void {
    const { most, levels, staying, changing } = this;
    for (let count = 1; count <= most; count += 1)
      for (let level = 0; level < LEVELS; level += 1) {
        const lag = levels[level] ?? 0;
        const at = (count - 1) * LEVELS + level;
        staying[at] = this.costOf(slot, count, lag, false);
        changing[at] = this.costOf(slot, count, lag, true);
      }
    for (let from = 1; from <= most; from += 1)
      for (let level = 0; level < LEVELS; level += 1) {
        let least = staying[(from - 1) * LEVELS + level] ?? 0;
        for (let to = 1; to <= most; to += 1) {
          const cost = (changing[(to - 1) * LEVELS + level] ?? 0) + this.startCost(from, to);
          if (to !== from && cost < least) least = cost;
        }
        this.costs[this.at(slot, from, level)] = least;
      }
  }

  /** Follows the cheapest decisions through the day. */
  forward(): Uint8Array {
    const plan = new Uint8Array(SLOTS);
    let [lag, from] = [0, 1];
    for (let slot = 0; slot < SLOTS; slot += 1) {
      let [count, least] = [from, this.costOf(slot, from, lag, false)];
      for (let to = 1; to <= this.most; to += 1) {
        const cost = to === from ? least : this.costOf(slot, to, lag, true) + this.startCost(from, to);
        if (cost < least) [count, least] = [to, cost];
      }
      lag = this.lagAfter(slot, count, lag, count !== from);
      plan[slot] = from = count;
    }
    return plan;
  }

  private costOf(slot: number, count: number, lag: number, isChanging: boolean): number {
    const after = this.lagAfter(slot, count, lag, isChanging);
    const isLate = after > (this.slots[slot]?.lateAbove ?? 0);
    return SLOT_SECONDS * (count + (isLate ? BEYOND_COST : 0)) + this.costFrom(slot + 1, count, after);
  }

  private lagAfter(slot: number, count: number, lag: number, isChanging: boolean): number {
    const { arrived = 0, saves } = this.slots[slot] ?? {};
    const share = isChanging ? 1 - this.setUp.pauseSeconds / SLOT_SECONDS : 1;
    return Math.max(0, lag + arrived - share * (saves?.[count - 1] ?? 0));
  }

  /** Consumers run for a while before they have partitions. */
  private startCost(from: number, to: number): number {
    return Math.max(0, to - from) * this.setUp.startSeconds;
  }

  private costFrom(slot: number, count: number, lag: number): number {
    // The inverse of `levelsOf`.
    const position = Math.min(LEVELS - 1, Math.sqrt(lag / (this.levels[LEVELS - 1] ?? 1)) * (LEVELS - 1));
    const below = Math.floor(position);
    const above = Math.min(LEVELS - 1, below + 1);
    const [low, high] = [this.levels[below] ?? 0, this.levels[above] ?? 0];
    const share = high === low ? 0 : Math.min(1, (lag - low) / (high - low));
    const [least, most] = [this.costs[this.at(slot, count, below)] ?? 0, this.costs[this.at(slot, count, above)] ?? 0];
    return least + share * (most - least);
  }

  private at(slot: number, count: number, level: number): number {
    return (slot * this.most + count - 1) * LEVELS + level;
  }
}

function slotsOf({ arrivals, speeds, ceilings }: SeededDay, setUp: SimulatedSetUp): Slot[] {
  const { partitions, maxConsumers, drainSeconds } = setUp;
  return Array.from({ length: SLOTS }, (_, slot) => {
    const [from, to] = [slot * SLOT_SECONDS, (slot + 1) * SLOT_SECONDS];
    const saves = Float64Array.from({ length: maxConsumers }, (_each, index) => {
      const rate = carriedBy(index + 1, partitions) * RATE_PER_CONSUMER;
      let saved = 0;
      for (let second = from; second < to; second += 1)
        saved += Math.min(rate * (speeds[second] ?? 0), ceilings[second] ?? 0);
      return saved;
    });
    return { arrived: sumOf(arrivals, from, to), lateAbove: sumOf(arrivals, to - drainSeconds, to), saves };
  });
}

function sumOf(values: Float64Array, from: number, to: number): number {
  return values.subarray(Math.max(0, from), to).reduce((total, value) => total + value, 0);
}

/** The highest level is above all lags of a plan that keeps the goal when it can. */
function levelsOf(slots: readonly Slot[], { maxConsumers }: SimulatedSetUp): Float64Array {
  let [lag, highest] = [0, 0];
  for (const { arrived, saves, lateAbove } of slots) {
    lag = Math.max(0, lag + arrived - (saves[maxConsumers - 1] ?? 0));
    highest = Math.max(highest, 1.5 * (lag + lateAbove));
  }
  return Float64Array.from({ length: LEVELS }, (_, level) => highest * (level / (LEVELS - 1)) ** 2);
}
