/**
 * Runs one reading at a time. A request during a reading makes it run once more afterwards, so that the newest state is always shown in
 * the end, and each reading is shown even when changes come faster than answers.
 */
export class Rereading {
  private isRunning = false;
  private isStale = false;

  constructor(private readonly read: () => Promise<void>) {}

  /** Resolves when nothing newer is to be read. The reading must handle its own errors. */
  async request(): Promise<void> {
    this.isStale = true;
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.isStale) {
      this.isStale = false;
      await this.read();
    }
    this.isRunning = false;
  }
}
