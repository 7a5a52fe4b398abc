/**
 * Reads Maven's own transfer messages: lines that end a download, and between them, ended by carriage returns only,
 * `Progress (1): 4.1/158 MB`.
 */
export class MavenProgress {
  private files = 0;
  private current = '';

  /** Takes a line of Maven's output. */
  read(line: string): void {
    if (/Downloaded from /.test(line)) {
      this.files += 1;
      this.current = '';
      return;
    }
    const progress = /Progress \(\d+\): (.*\S)/.exec(line)?.[1];
    if (progress !== undefined) this.current = progress;
  }

  /** What has arrived, such as `31 files; now 4.1/158 MB`. */
  describe(): string {
    return `${this.files} files${this.current === '' ? '' : `; now ${this.current}`}`;
  }
}
