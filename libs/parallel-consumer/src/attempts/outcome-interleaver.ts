/**
 * Interleaves the successes and failures of one turn of the event loop. All records of a batch end in the same turn, and all failures
 * come after all successes, because a rejection takes more promise steps. The failures of a batch with 10 % invalid records would
 * look like a mass failure.
 *
 * Guarantee: reports the failures of a turn after that turn, in their order, with the turn's successes spread evenly among them.
 */
export class OutcomeInterleaver<T> {
  private handledCount = 0;
  private failures: T[] = [];
  private isScheduled = false;

  constructor(
    private readonly onHandled: () => void,
    private readonly onFailed: (failure: T) => void,
  ) {}

  handled(): void {
    this.handledCount += 1;
    this.schedule();
  }

  failed(failure: T): void {
    this.failures.push(failure);
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    const { handledCount, failures } = this;
    this.isScheduled = false;
    this.handledCount = 0;
    this.failures = [];
    let passed = 0;
    const passHandled = (until: number): void => {
      for (; passed < until; passed += 1) this.onHandled();
    };
    for (const [index, failure] of failures.entries()) {
      passHandled(Math.floor((handledCount * (index + 1)) / failures.length));
      this.onFailed(failure);
    }
    passHandled(handledCount);
  }
}
