import type { NumberRange } from '../orders/number-holes.js';

/** Maps the dense order numbers to pages, ascending from the first number or descending from the last. */
export class PageLayout {
  /** How numbers change from page to page: 1 for ascending, -1 for descending. */
  readonly direction: 1 | -1;
  readonly backwards: 1 | -1;

  constructor(
    /** All numbers of the layout; empty if `from` is above `to`. */
    readonly numbers: NumberRange,
    /** Numbers per page. */
    readonly size: number,
    private readonly descending: boolean,
  ) {
    this.direction = descending ? -1 : 1;
    this.backwards = descending ? 1 : -1;
  }

  /** The last number of the last page. */
  get end(): number {
    return this.descending ? this.numbers.from : this.numbers.to;
  }

  startOf(page: number): number {
    const offset = (page - 1) * this.size;
    return this.descending ? this.numbers.to - offset : this.numbers.from + offset;
  }

  /** The number before the first one of a page; for a page beyond the end, the last number of all. */
  beforeStartOf(page: number): number {
    const before = this.startOf(page) - this.direction;
    return this.descending ? Math.max(before, this.numbers.from) : Math.min(before, this.numbers.to);
  }

  pageOf(number: number): number {
    const offset = this.descending ? this.numbers.to - number : number - this.numbers.from;
    return Math.floor(offset / this.size) + 1;
  }

  /** @returns `undefined` for a page beyond the end */
  numbersOf(page: number): NumberRange | undefined {
    const { from, to } = this.numbers;
    const start = this.startOf(page);
    if (start < from || start > to) return undefined;
    const end = start + this.direction * (this.size - 1);
    return this.descending ? { from: Math.max(end, from), to: start } : { from: start, to: Math.min(end, to) };
  }
}
