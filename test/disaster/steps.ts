import { performance } from 'node:perf_hooks';

/** A step of a rehearsal and how long it took. */
export interface Step {
  readonly title: string;
  readonly seconds: number;
  readonly result: string;
}

/** Runs the steps of a rehearsal one after another. */
export class Steps {
  readonly all: Step[] = [];

  constructor(private readonly print: (line: string) => void) {}

  /** @param work returns what came of it, and in words */
  async take<T>(title: string, work: () => Promise<readonly [result: string, value: T]>): Promise<T> {
    this.print(title);
    const startedAt = performance.now();
    const [result, value] = await work();
    const seconds = (performance.now() - startedAt) / 1_000;
    this.all.push({ title, seconds, result });
    this.print(`  ${seconds.toFixed(1)} s: ${result}`);
    return value;
  }

  secondsOf(title: string): number {
    return this.all.find((step) => step.title === title)?.seconds ?? Number.NaN;
  }
}
