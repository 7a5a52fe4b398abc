const EVERY_MS = 5_000;

/** Prints that a fetch is running and how far it is, since it can take minutes on a slow network. */
export class FetchProgress {
  constructor(
    private readonly print: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** Prints progress every 5 s while `work` runs. `detail`, if given, returns what has arrived so far. */
  async during<T>(what: string, work: () => Promise<T>, detail?: () => string): Promise<T> {
    const startedAt = this.now();
    const seconds = (): string => ((this.now() - startedAt) / 1000).toFixed(0);
    this.print(`fetching ${what}`);
    const ticker = setInterval(() => {
      const arrived = detail?.() ?? '';
      this.print(`  still fetching ${what}: ${seconds()} s${arrived === '' ? '' : `, ${arrived}`}`);
    }, EVERY_MS);
    try {
      const result = await work();
      this.print(`fetched ${what}: ${seconds()} s`);
      return result;
    } finally {
      clearInterval(ticker);
    }
  }
}
