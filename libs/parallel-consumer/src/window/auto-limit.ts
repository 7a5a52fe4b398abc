import type { AttemptOutcome } from '../events/observer.js';

export interface AutoLimitBounds {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

/** Step factors: until the first step that does not pay off the limit doubles, like TCP slow start; then it moves by 25 %. */
const SLOW_START_STEP = 2;
const STEP = 1.25;
/**
 * A step up pays off when latency grows by less than this power of the step. By Little's law the rate then grows by more than
 * the cube root of the step.
 */
const MAX_ELASTICITY = 2 / 3;
/** A mean latency this many times that of the previous window is not the effect of a step: the backend is overloaded. */
const OVERLOAD_FACTOR = 2.5;
/** Minimum samples per window, so that noise moves the mean by no more than a few percent. */
const MIN_SAMPLES = 100;
/** Windows to stay at an end of the range before trying a step in the other direction. */
const WINDOWS_AT_BOUND = 8;
/** Latencies below this, in ms, measure this machine and not the backend. */
const MIN_LATENCY_MS = 1;

/**
 * Adapts the in-flight limit to the measured latency and failures of attempts.
 *
 * Algorithm: hill climbing on Kleinrock's power, throughput squared over latency ("Power and Deterministic Rules of Thumb for
 * Probabilistic Problems in Computer Communications", 1979). It takes one step up or down per window and compares each window
 * with the previous one (the micro-experiments of PCC: Dong et al., NSDI 2015). By Little's law throughput is limit / latency,
 * so a step from N1 to N2 pays off when log(L2 / L1) < 2/3 log(N2 / N1).
 *
 * - The limit climbs while latency stays flat (records that only wait), and while latency grows less than throughput (writes
 *   that share a bulk). It stops at the knee, where a higher limit only lengthens the queue.
 * - Multiplicative decrease: an `environment` failure, or a latency jump without a step, halves the limit.
 * - It grows only when the limit is the bottleneck: the in-flight records reached it, and mostly used at least half of it.
 *
 * Rejected: a gradient against the lowest latency, as in Netflix's concurrency-limits. It stops far below the knee, because with
 * grouped writes a higher limit makes each record slower but the total faster.
 *
 * Not guaranteed: the optimum. The limit stays within one or two steps of the knee, and needs several windows to get there. A
 * window has at least as many records as are in flight.
 */
export class AutoLimit {
  private limit: number;
  private step = SLOW_START_STEP;
  private direction: 1 | -1 = 1;
  private previous: { readonly limit: number; readonly mean: number } | undefined;
  private settling = true;
  private hadFirstWindow = false;
  private halved = false;
  private windowsAtBound = 0;
  private samples = 0;
  private sum = 0;
  private halfUsed = 0;
  private peak = 0;

  constructor(private readonly bounds: AutoLimitBounds) {
    this.limit = Math.min(Math.max(bounds.initial, bounds.min), bounds.max);
  }

  get current(): number {
    return this.limit;
  }

  /**
   * Records the end of an attempt.
   * @param inFlight number of running attempts at its end, including itself
   * @returns whether the limit has changed
   */
  attempted(outcome: AttemptOutcome, milliseconds: number, inFlight: number): boolean {
    const { limit } = this;
    if (outcome === 'environment') this.halve();
    else if (outcome !== 'abandoned') this.sample(milliseconds, inFlight);
    return this.limit !== limit;
  }

  private sample(milliseconds: number, inFlight: number): void {
    this.samples += 1;
    this.sum += Math.max(MIN_LATENCY_MS, milliseconds);
    if (inFlight >= this.limit / 2) this.halfUsed += 1;
    this.peak = Math.max(this.peak, inFlight);
    if (this.samples < Math.max(this.limit, MIN_SAMPLES)) return;
    const mean = this.sum / this.samples;
    // The whole window counts, not each sample: when a batch ends, many attempts end at once and few are in flight.
    const wasBusy = this.peak >= 0.9 * this.limit && this.halfUsed > this.samples / 2;
    const wasSettling = this.settling;
    this.startWindow(false);
    // The first window after a change contains attempts that started under the old limit, and too many short ones. During the
    // initial doubling it counts anyway: that costs at most one step too far, and halves the duration of the climb. The very
    // first window never counts: all its attempts started at once and only short ones have ended, so the next would seem slow.
    if (!wasSettling || (this.step === SLOW_START_STEP && this.hadFirstWindow)) this.compareWithPrevious(mean, wasBusy);
    this.hadFirstWindow = true;
  }

  private compareWithPrevious(mean: number, wasBusy: boolean): void {
    const { previous, limit } = this;
    this.halved = false;
    if (!wasBusy) {
      this.previous = undefined;
      return;
    }
    if (previous !== undefined && mean > OVERLOAD_FACTOR * previous.mean) {
      this.halve();
      this.previous = { limit, mean };
      return;
    }
    const { step } = this;
    if (previous !== undefined && previous.limit !== limit) {
      const elasticity = Math.log(mean / previous.mean) / Math.log(limit / previous.limit);
      const upPaysOff = elasticity < MAX_ELASTICITY;
      if (!upPaysOff) this.step = STEP;
      this.direction = upPaysOff ? 1 : -1;
    }
    this.previous = { limit, mean };
    // The first step that does not pay off is undone completely.
    this.move(limit * (this.direction === 1 ? step : 1 / step));
    if (this.limit === limit) this.stayAtBound();
    else this.windowsAtBound = 0;
  }

  /** At an end of the range the only possible step is back; trying it in every window would cost too much throughput. */
  private stayAtBound(): void {
    this.step = STEP;
    this.windowsAtBound += 1;
    if (this.windowsAtBound % WINDOWS_AT_BOUND === 0) this.direction = this.direction === 1 ? -1 : 1;
  }

  private halve(): void {
    // When thousands of in-flight attempts fail together, the limit is halved only once.
    if (this.halved) return;
    this.halved = true;
    this.step = STEP;
    this.direction = 1;
    this.previous = undefined;
    this.move(this.limit / 2);
    this.startWindow(true);
  }

  private move(to: number): void {
    const { min, max } = this.bounds;
    this.limit = Math.round(Math.min(Math.max(to, min), max));
    this.settling = true;
  }

  private startWindow(settling: boolean): void {
    this.samples = 0;
    this.sum = 0;
    this.halfUsed = 0;
    this.peak = 0;
    this.settling = settling;
  }
}
