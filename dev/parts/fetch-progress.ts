const EVERY_MS = 5_000;

/** Shows that a fetch is under way, and how far, to a person who may wait for minutes on a slow network. */
export class FetchProgress {
  constructor(
    private readonly print: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** `detail`, when given, is asked for what has arrived by now. */
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
