/**
 * Runs work once for all concurrent callers. Callers that arrive during a run share the next one, because the current run may have missed
 * changes that were made after its start.
 */
export class SharedRun<T> {
  private current: Promise<unknown> = Promise.resolve();
  private next: Promise<T> | undefined;

  constructor(private readonly work: () => Promise<T>) {}

  /**
   * Waits for a run that starts after this call.
   * @returns the result of that run
   * @throws the failure of that run
   */
  async result(): Promise<T> {
    this.next ??= this.follow();
    return this.next;
  }

  private async follow(): Promise<T> {
    // Its own callers get its failure.
    await this.current.catch(() => undefined);
    this.next = undefined;
    const run = this.work();
    this.current = run;
    return run;
  }
}
