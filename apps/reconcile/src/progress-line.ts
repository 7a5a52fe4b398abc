const EVERY_MS = 200;

/** Shows the progress in one line of a terminal, which it overwrites. It prints nothing if the output is not a terminal. */
export class ProgressLine {
  private shownAt = 0;

  constructor(private readonly terminal: NodeJS.WriteStream) {}

  show(done: number, total: number): void {
    const now = Date.now();
    if (!this.terminal.isTTY || now - this.shownAt < EVERY_MS) return;
    this.shownAt = now;
    this.terminal.write(
      `\r${Math.floor((100 * done) / Math.max(1, total))} % of ${total.toLocaleString('en-US')} orders`,
    );
  }

  clear(): void {
    if (this.shownAt === 0) return;
    this.shownAt = 0;
    this.terminal.write('\r\u001b[K');
  }
}
