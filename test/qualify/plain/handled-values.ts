import { eventually } from '../../support/eventually.js';
import type { CaseResult } from './case-result.js';

/** All are handled, or nothing more was handled for so long: longer than a member that died stays in its group, six times. */
const SILENT_MS = 60_000;

/** The values that the processes of a case have handled, of those that were sent. */
export class HandledValues {
  private readonly handled = new Map<string, number>();
  private lastAt = performance.now();

  constructor(private readonly sent: readonly string[]) {}

  add(value: string): void {
    this.handled.set(value, (this.handled.get(value) ?? 0) + 1);
    this.lastAt = performance.now();
  }

  /** Resolves when so many different values were handled. */
  async reach(count: number): Promise<void> {
    await eventually(`${count} values are handled`, () => this.handled.size >= count);
  }

  /** Resolves when all were handled, or when nothing happens any more. */
  async all(): Promise<void> {
    this.lastAt = performance.now();
    await eventually('all values are handled, or no more are', () => {
      return this.handled.size === this.sent.length || performance.now() - this.lastAt > SILENT_MS;
    });
  }

  result(name: string): CaseResult {
    const lost = this.sent.filter((value) => !this.handled.has(value)).length;
    const repeated = [...this.handled.values()].reduce((sum, times) => sum + times - 1, 0);
    const text = `${this.sent.length} records: ${lost} not handled, ${repeated} handled again`;
    return { name, holds: lost === 0, text };
  }
}
