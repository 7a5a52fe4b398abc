/** What is polled, and what becomes of each answer. */
interface Polled<Answer> {
  readonly read: () => Promise<Answer>;
  /** Each returns the pause before the next poll in milliseconds; `null`: nothing more is to be read. */
  readonly show: (answer: Answer) => number | null;
  readonly fail: (error: unknown) => number | null;
}

/** Reads something again and again. What a poll returns is dropped when another one began after it. */
export class Polling<Answer> {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;
  private latest: symbol | undefined;

  constructor(private readonly polled: Polled<Answer>) {}

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    void this.refresh();
  }

  /** Ends the polls. The answer that is on its way is still shown. */
  stop(): void {
    this.isRunning = false;
    clearTimeout(this.timer);
  }

  /** Ends the polls, and drops the answer that is on its way. */
  drop(): void {
    this.stop();
    this.latest = undefined;
  }

  /** Polls at once, also when it does not run. Resolves when the answer is shown or dropped. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    const poll = Symbol('poll');
    this.latest = poll;
    const [result] = await Promise.allSettled([this.polled.read()]);
    if (this.latest !== poll) return;
    const pause = result.status === 'fulfilled' ? this.polled.show(result.value) : this.polled.fail(result.reason);
    clearTimeout(this.timer);
    if (this.isRunning && pause !== null) this.timer = setTimeout(() => void this.refresh(), pause);
  }
}
