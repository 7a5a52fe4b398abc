/**
 * Parses Maven's transfer messages: a line at the end of each download and, between those lines, `Progress (1): 4.1/158 MB`,
 * which ends with a carriage return only.
 */
export class MavenProgress {
  private files = 0;
  private current = '';

  /** Parses one line of Maven's output. */
  read(line: string): void {
    if (/Downloaded from /.test(line)) {
      this.files += 1;
      this.current = '';
      return;
    }
    const progress = /Progress \(\d+\): (.*\S)/.exec(line)?.[1];
    if (progress !== undefined) this.current = progress;
  }

  /** Returns what has arrived, such as `31 files; now 4.1/158 MB`. */
  describe(): string {
    return `${this.files} files${this.current === '' ? '' : `; now ${this.current}`}`;
  }
}
