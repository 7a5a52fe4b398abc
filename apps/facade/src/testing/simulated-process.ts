import { pause, type Clock } from '@orders-pipeline/clock';

/** How the world treats a process. */
export interface Weather {
  /** Longest delay of a message, in ms. */
  readonly delayMs: number;
  /** Share of the calls whose answer, or whose request, is lost. */
  readonly lossRate: number;
}

const FOR_EVER = new Promise<never>(() => undefined);

/** A process that may die at any moment: what it has sent may still arrive, and it never goes on. */
export class SimulatedProcess {
  isDead = false;
  /** The world's time, for as long as the process lives. */
  readonly clock: Clock;

  constructor(
    private readonly world: Clock,
    private readonly random: () => number,
    private readonly weather: () => Weather,
  ) {
    this.clock = {
      now: () => world.now(),
      after: (milliseconds, run) => world.after(milliseconds, () => void (this.isDead || run())),
    };
  }

  die(): void {
    this.isDead = true;
  }

  /** Returns a port over a network with delays and losses. Methods that return no promise are called directly. */
  over<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (name === 'now') return member.bind(target) as unknown;
        return async (...args: unknown[]) =>
          this.call(async () => (await Reflect.apply(member, target, args)) as unknown);
      },
    });
  }

  private async call(effect: () => Promise<unknown>): Promise<unknown> {
    if (this.isDead) return FOR_EVER;
    const { lossRate } = this.weather();
    await this.travel();
    const isLost = this.random() < lossRate;
    if (isLost && this.random() < 0.5) throw new Error('the request was lost');
    const answer = await effect();
    await this.travel();
    if (this.isDead) return FOR_EVER;
    if (isLost) throw new Error('the answer was lost');
    return answer;
  }

  private async travel(): Promise<void> {
    const { delayMs } = this.weather();
    if (delayMs > 0) await pause(this.world, Math.floor(this.random() * delayMs));
  }
}
