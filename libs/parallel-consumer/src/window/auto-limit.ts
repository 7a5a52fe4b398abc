import type { AttemptOutcome } from '../observer.js';

export interface AutoLimitBounds {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

/** While no step has failed to pay off, the limit doubles, as TCP's slow start does; after that it moves by a quarter. */
const FIRST_STEP = 2;
const STEP = 1.25;
/** A step up pays off when latency grows by less than this power of it: by Little's law the rate then grows by more than its cube root. */
const WORTHWHILE = 2 / 3;
/** A window whose mean is this many times the one before is no effect of a step: the other side is in trouble. */
const TROUBLE = 2.5;
/** Samples of a window: enough for a mean that noise doesn't move by more than a few percent. */
const MIN_SAMPLES = 100;
/** At an end of the range, so many windows pass before it looks whether less (or more) would do better. */
const RESTS = 8;
/** Below this, in ms, a latency is that of the machine and says nothing of the other side. */
const FLOOR_MS = 1;

/**
 * Finds how many records to have in flight from how long they take and whether they fail.
 *
 * The law: hill climbing on Kleinrock's power, throughput squared over latency ("Power and Deterministic Rules of Thumb for
 * Probabilistic Problems in Computer Communications", 1979), by one step up or down at a time, each compared with the one
 * before (the micro-experiments of PCC: Dong et al., NSDI 2015). By Little's law throughput is limit / latency, so a step
 * from N1 to N2 paid off when log(L2 / L1) < 2/3 log(N2 / N1). It climbs while latency stays flat (what waits only sleeps),
 * stops at the knee, where a larger limit only makes a longer queue, and goes on where latency grows less than
 * throughput (writes that share a bulk). A gradient against the lowest latency seen, as in Netflix's concurrency-limits, stops far below
 * that: with grouped writes more in flight is slower for each and faster for all.
 * Multiplicative decrease: an environment failure, or latency that jumps without a step, halves the limit.
 *
 * It grows only while the limit is what holds the work back: while a window has reached it, and mostly used half of it. Not guaranteed: the optimum; it stays within a step or two of
 * the knee, and needs some windows (each of at least as many records as are in flight) to get there.
 */
export class AutoLimit {
  private limit: number;
  private step = FIRST_STEP;
  private direction: 1 | -1 = 1;
  private before: { readonly limit: number; readonly mean: number } | undefined;
  private settling = true;
  private begun = false;
  private halved = false;
  private rests = 0;
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

  /** @param inFlight how many ran when it ended, itself included. @returns whether the limit has changed */
  attempted(outcome: AttemptOutcome, milliseconds: number, inFlight: number): boolean {
    const { limit } = this;
    if (outcome === 'environment') this.halve();
    else if (outcome !== 'abandoned') this.sample(milliseconds, inFlight);
    return this.limit !== limit;
  }

  private sample(milliseconds: number, inFlight: number): void {
    this.samples += 1;
    this.sum += Math.max(FLOOR_MS, milliseconds);
    if (inFlight >= this.limit / 2) this.halfUsed += 1;
    this.peak = Math.max(this.peak, inFlight);
    if (this.samples < Math.max(this.limit, MIN_SAMPLES)) return;
    const mean = this.sum / this.samples;
    // Not at each sample: a batch ends for many at once, and for that moment the window is far from full.
    const wasBusy = this.peak >= 0.9 * this.limit && this.halfUsed > this.samples / 2;
    const wasSettling = this.settling;
    this.startWindow(false);
    // The first window after a change has records in it that began under the old limit, and too many short ones. While
    // nothing has failed to pay off it counts all the same: it hides one step too far at the most, and halves the time of
    // the climb. Not so the very first: all in it began at once, only the short ones have ended, and the next would look slow.
    if (!wasSettling || (this.step === FIRST_STEP && this.begun)) this.judge(mean, wasBusy);
    this.begun = true;
  }

  private judge(mean: number, wasBusy: boolean): void {
    const { before, limit } = this;
    this.halved = false;
    if (!wasBusy) {
      this.before = undefined;
      return;
    }
    if (before !== undefined && mean > TROUBLE * before.mean) {
      this.halve();
      this.before = { limit, mean };
      return;
    }
    const { step } = this;
    if (before !== undefined && before.limit !== limit) {
      const elasticity = Math.log(mean / before.mean) / Math.log(limit / before.limit);
      const upPaysOff = elasticity < WORTHWHILE;
      if (!upPaysOff) this.step = STEP;
      this.direction = upPaysOff ? 1 : -1;
    }
    this.before = { limit, mean };
    // The first one that fails is taken back whole.
    this.move(limit * (this.direction === 1 ? step : 1 / step));
    if (this.limit === limit) this.restAtEnd();
    else this.rests = 0;
  }

  /** At an end of the range the only other experiment is the way back, which costs too much to be made each time. */
  private restAtEnd(): void {
    this.step = STEP;
    this.rests += 1;
    if (this.rests % RESTS === 0) this.direction = this.direction === 1 ? -1 : 1;
  }

  private halve(): void {
    // Of thousands in flight that fail together, one says it all.
    if (this.halved) return;
    this.halved = true;
    this.step = STEP;
    this.direction = 1;
    this.before = undefined;
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
