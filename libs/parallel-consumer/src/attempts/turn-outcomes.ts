/**
 * Puts the ends of records into a fair order. The records of a batch end in the same turn of the event loop, and all that failed come after
 * all that were handled, as a rejection takes more steps through promises: a tenth of poison would look like nothing but poison.
 *
 * Guarantee: the failures of one turn are passed on after that turn, in their order, with its handled records spread evenly among them.
 */
export class TurnOutcomes<T> {
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
    setImmediate(() => this.passOn());
  }

  private passOn(): void {
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
