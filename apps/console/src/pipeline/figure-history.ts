/** The figures that the console remembers. */
export const FIGURES = ['produced', 'saved', 'inFlight', 'lag', 'consumers'] as const;

type Figure = (typeof FIGURES)[number];

/** The figures of one second; `null`: unknown. `produced` and `saved` are rates per second. */
export type Figures = Readonly<Record<Figure, number | null>>;

/** Values at equal distances. `null`: nothing was recorded. */
export type RecordedSeries = Readonly<Record<Figure, (number | null)[]>> & {
  readonly stepSeconds: number;
  /** Time of the first value, in seconds since 1970. */
  readonly from: number;
};

/** Values with their times in seconds since 1970, oldest first. */
export interface Points {
  readonly at: number[];
  readonly values: Readonly<Record<Figure, (number | null)[]>>;
}

/** The last 5 minutes by the second, 20 minutes by 5 s, and an hour by 30 s. */
const RESOLUTIONS = [
  { stepSeconds: 1, steps: 300 },
  { stepSeconds: 5, steps: 240 },
  { stepSeconds: 30, steps: 120 },
] as const;

/**
 * Remembers the figures of the last hour, coarser with age. A coarse value is the mean of the known values of its step. Memory is constant:
 * 660 steps of five figures, 29,700 bytes. The server records with it, and the page continues with it what the server has recorded.
 */
export class FigureHistory {
  private readonly series = RESOLUTIONS.map(({ stepSeconds, steps }) => new Series(stepSeconds, steps));

  /** Continues recorded series, such as those of the server. Series of unknown resolutions are ignored. */
  static restore(recorded: readonly RecordedSeries[]): FigureHistory {
    const history = new FigureHistory();
    for (const each of recorded)
      history.series.find(({ stepSeconds }) => stepSeconds === each.stepSeconds)?.restore(each);
    return history;
  }

  /** The newest second that was recorded, in seconds since 1970; -Infinity: none. */
  get newest(): number {
    return this.series[0]?.newest ?? Number.NEGATIVE_INFINITY;
  }

  /** @param second whole seconds since 1970, not older than those before */
  add(second: number, figures: Figures): void {
    for (const series of this.series) series.add(second, figures);
  }

  /** Returns the series, the finest first. A series starts with its first known value. */
  recorded(): RecordedSeries[] {
    return this.series.map((series) => series.recorded());
  }

  /** Returns all values since a time at the finest resolution that is left of them. Unrecorded times have `null`. */
  points(since: number): Points {
    const points: Points = { at: [], values: emptyColumns() };
    for (const [index, series] of [...this.series.entries()].toReversed())
      series.appendTo(points, since, this.series[index - 1]?.start ?? Number.POSITIVE_INFINITY);
    return points;
  }
}

/** A ring of steps, addressed by time, so that a step without values stays unknown. */
class Series {
  private readonly sums: Readonly<Record<Figure, Float64Array>>;
  private readonly counts: Readonly<Record<Figure, Uint8Array>>;
  /** Number of the newest step since 1970. */
  private last = Number.NEGATIVE_INFINITY;

  constructor(
    readonly stepSeconds: number,
    private readonly steps: number,
  ) {
    this.sums = columns(() => new Float64Array(steps));
    this.counts = columns(() => new Uint8Array(steps));
  }

  /** Time of the newest step. */
  get newest(): number {
    return this.last * this.stepSeconds;
  }

  /** Time of the oldest step that is kept. */
  get start(): number {
    return Number.isFinite(this.last) ? (this.last - this.steps + 1) * this.stepSeconds : Number.POSITIVE_INFINITY;
  }

  add(second: number, figures: Figures): void {
    const step = Math.floor(second / this.stepSeconds);
    if (step < this.last) return;
    for (let passed = Math.max(this.last + 1, step - this.steps + 1); passed <= step; passed += 1) this.clear(passed);
    this.last = step;
    const slot = step % this.steps;
    for (const figure of FIGURES) {
      const value = figures[figure];
      if (value === null) continue;
      this.sums[figure][slot] = (this.sums[figure][slot] ?? 0) + value;
      this.counts[figure][slot] = (this.counts[figure][slot] ?? 0) + 1;
    }
  }

  restore(recorded: RecordedSeries): void {
    for (let index = 0; index < recorded.saved.length; index += 1)
      this.add(
        recorded.from + index * this.stepSeconds,
        columns((figure) => recorded[figure][index] ?? null),
      );
  }

  recorded(): RecordedSeries {
    const kept = this.keptSteps();
    const first = kept.findIndex((step) => FIGURES.some((figure) => this.valueAt(figure, step) !== null));
    const known = first < 0 ? [] : kept.slice(first);
    const values = columns((figure) => known.map((step) => this.valueAt(figure, step)));
    return { stepSeconds: this.stepSeconds, from: (known[0] ?? 0) * this.stepSeconds, ...values };
  }

  /** Appends the steps that end before `until`, where a finer series begins. The time of a step is its middle. */
  appendTo({ at, values }: Points, since: number, until: number): void {
    for (const step of this.keptSteps()) {
      const start = step * this.stepSeconds;
      if (start + this.stepSeconds <= since || start + this.stepSeconds > until) continue;
      at.push(start + (this.stepSeconds - 1) / 2);
      for (const figure of FIGURES) values[figure].push(this.valueAt(figure, step));
    }
  }

  private keptSteps(): number[] {
    if (!Number.isFinite(this.last)) return [];
    return Array.from({ length: this.steps }, (_, index) => this.last - this.steps + 1 + index);
  }

  private valueAt(figure: Figure, step: number): number | null {
    const slot = step % this.steps;
    const count = this.counts[figure][slot] ?? 0;
    // One decimal is all that is shown, and keeps the JSON short.
    return count === 0 ? null : Math.round((10 * (this.sums[figure][slot] ?? 0)) / count) / 10;
  }

  private clear(step: number): void {
    const slot = step % this.steps;
    for (const figure of FIGURES) this.sums[figure][slot] = this.counts[figure][slot] = 0;
  }
}

function columns<T>(make: (figure: Figure) => T): Record<Figure, T> {
  return Object.fromEntries(FIGURES.map((figure) => [figure, make(figure)])) as Record<Figure, T>;
}

function emptyColumns(): Record<Figure, (number | null)[]> {
  return columns(() => []);
}
