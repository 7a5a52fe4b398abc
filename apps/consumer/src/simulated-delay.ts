import { pause, type Clock } from '#parallel-consumer/clock.js';

const OVER = Promise.resolve();

/**
 * The slow I/O that every save stands for: a wait evenly drawn between two bounds, to the millisecond. It holds a place in
 * flight and nothing else, as a call to a slow bank would.
 *
 * Waits that end in the same millisecond share one timer and one promise: thousands are under way at once, and what each of
 * them holds is copied by the garbage collector again and again until it ends.
 */
export class SimulatedDelay {
  private readonly ends = new Map<number, Promise<void>>();

  constructor(
    private readonly bounds: { readonly minimum: number; readonly maximum: number },
    private readonly random: () => number,
    private readonly clock: Clock,
  ) {}

  wait(): Promise<void> {
    const { minimum, maximum } = this.bounds;
    if (maximum === 0) return OVER;
    const now = this.clock.now();
    const end = Math.round(now + minimum + this.random() * (maximum - minimum));
    const known = this.ends.get(end);
    if (known !== undefined) return known;
    const wait = pause(this.clock, end - now);
    this.ends.set(end, wait);
    void wait.then(() => this.ends.delete(end));
    return wait;
  }
}
