import { explain } from '../../dev/stack-error.js';

/** Runs named checks one after the other, prints the result of each, and counts them. */
export class Checklist {
  passed = 0;
  failed = 0;

  /** Returns the result of the check; rethrows its error, since most later checks depend on it. */
  async check<T>(name: string, run: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1);
    try {
      const result = await run();
      this.passed += 1;
      console.log(`ok      ${name} (${seconds()} s)`);
      return result;
    } catch (error) {
      this.failed += 1;
      console.log(`FAILED  ${name} (${seconds()} s): ${explain(error)}`);
      throw error;
    }
  }
}
