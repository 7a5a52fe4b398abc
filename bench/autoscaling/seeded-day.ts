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

/** Adds populates: many orders within seconds, at any time of the day. */
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
