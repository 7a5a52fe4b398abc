/**
 * Work that many ask for at once, and that one run does for all of them. Whoever asks during a run shares the next one: a run has
 * seen nothing of what happened after it began.
 */
export class SharedRun<T> {
  private current: Promise<unknown> = Promise.resolve();
  private next: Promise<T> | undefined;

  constructor(private readonly work: () => Promise<T>) {}

  /** @returns what a run came to that began after this was asked. @throws what that run failed with */
  async result(): Promise<T> {
    this.next ??= this.follow();
    return this.next;
  }

  private async follow(): Promise<T> {
    // Its failure is told to those who asked for it.
    await this.current.catch(() => undefined);
    this.next = undefined;
    const run = this.work();
    this.current = run;
    return run;
  }
}
