/** What happened during an upgrade, with the seconds since it began. */
export class UpgradeLog {
  private readonly startedAt = performance.now();
  private readonly lines: string[] = [];

  note(line: string): void {
    const seconds = ((performance.now() - this.startedAt) / 1_000).toFixed(1);
    this.lines.push(`${seconds.padStart(6)} s  ${line}`);
  }

  get text(): string {
    return this.lines.join('\n');
  }
}
