import type { AutoLimit } from '../auto-limit.js';
import type { AttemptOutcome } from '../../events/observer.js';

/** Returns the duration of an attempt that starts now, in ms. */
export type Latency = (start: { readonly now: number; readonly inFlight: number; readonly random: number }) => number;

export interface SimulationOptions {
  readonly seed: number;
  /** Maximum number of concurrent attempts that the load provides; default: unlimited. */
  readonly demand?: number;
  /** Default: always `done`. */
  readonly outcome?: (now: number) => AttemptOutcome;
}

/** Runs attempts in simulated time, as many at once as the limit allows, with durations from `latency`. */
export class SimulatedBackend {
  /** Simulated time, in ms. */
  now = 0;
  private readonly ends: { readonly at: number; readonly startedAt: number }[] = [];
  private state: number;

  constructor(
    private readonly limit: AutoLimit,
    private readonly latency: Latency,
    private readonly options: SimulationOptions,
  ) {
    this.state = options.seed;
  }

  /** Advances the simulated time. @returns ended attempts per second, and the mean limit over their ends */
  run(milliseconds: number): { readonly rate: number; readonly limit: number } {
    const { demand = Number.POSITIVE_INFINITY, outcome = (): AttemptOutcome => 'done' } = this.options;
    const until = this.now + milliseconds;
    let ended = 0;
    let limits = 0;
    for (;;) {
      while (this.ends.length < Math.min(this.limit.current, demand)) this.start();
      const [next] = this.ends;
      if (next === undefined || next.at > until) break;
      this.now = next.at;
      this.limit.attempted(outcome(this.now), this.now - next.startedAt, this.ends.length);
      this.removeFirst();
      ended += 1;
      limits += this.limit.current;
    }
    this.now = until;
    return { rate: (ended * 1_000) / milliseconds, limit: limits / ended };
  }

  private start(): void {
    const { now } = this;
    const takes = this.latency({ now, inFlight: this.ends.length + 1, random: this.random() });
    this.ends.push({ at: now + takes, startedAt: now });
    // `ends` is a binary heap, ordered by end time.
    for (let at = this.ends.length - 1; at > 0;) {
      const above = (at - 1) >> 1;
      if (!this.swapIfLater(above, at)) return;
      at = above;
    }
  }

  private removeFirst(): void {
    const last = this.ends.pop();
    if (last === undefined || this.ends.length === 0) return;
    this.ends[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const child = this.isLater(left, left + 1) ? left + 1 : left;
      if (!this.swapIfLater(at, child)) return;
      at = child;
    }
  }

  private isLater(one: number, other: number): boolean {
    const [a, b] = [this.ends[one], this.ends[other]];
    return a !== undefined && b !== undefined && a.at > b.at;
  }

  private swapIfLater(above: number, below: number): boolean {
    const [a, b] = [this.ends[above], this.ends[below]];
    if (a === undefined || b === undefined || a.at <= b.at) return false;
    [this.ends[above], this.ends[below]] = [b, a];
    return true;
  }

  /** The mulberry32 generator. */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** Simulates a server that processes requests one after another, with a capacity per second and a minimum latency in ms. */
export function queueWith(capacityPerSecond: number, leastMs: number, noise = 0.2): Latency {
  let freeAt = 0;
  return ({ now, random }) => {
    freeAt = Math.max(freeAt, now) + 1_000 / capacityPerSecond;
    const alone = leastMs * (1 - noise + 2 * noise * random);
    return Math.max(alone, freeAt - now);
  };
}
