import { StackError } from '../../dev/stack-error.js';
import { ComposeTestError } from './compose-test-error.js';

/** Runs named checks one after the other, prints the result of each, and counts them. */
export class Checklist {
  private passed = 0;
  private failed = 0;

  constructor(
    private readonly print: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  get allPassed(): boolean {
    return this.failed === 0 && this.passed > 0;
  }

  /** The last line of a run, in the format of common test runners. */
  get summary(): string {
    return `${this.passed} passed, ${this.failed} failed`;
  }

  /** Returns the result of the check; rethrows its error, since most later checks depend on it. */
  async check<T>(name: string, run: () => Promise<T>): Promise<T> {
    const startedAt = this.now();
    const seconds = (): string => ((this.now() - startedAt) / 1000).toFixed(1);
    try {
      const result = await run();
      this.passed += 1;
      this.print(`ok      ${name} (${seconds()} s)`);
      return result;
    } catch (error) {
      this.failed += 1;
      this.print(`FAILED  ${name} (${seconds()} s): ${describeFailure(error)}`);
      throw error;
    }
  }
}

/** Describes a failure: a known one by its message and remedy, any other (a bug) with its stack. */
export function describeFailure(error: unknown): string {
  if (error instanceof ComposeTestError) return `[${error.code}] ${error.message}`;
  if (error instanceof StackError) return `[${error.code}] ${error.message}\n${error.remedy}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
