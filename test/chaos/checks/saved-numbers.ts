const RECENT = 20;

/** Tracks which orders of one operation are known to be saved, and how many per partition. */
export class SavedNumbers {
  total = 0;
  /** Saved orders since the beginning, by partition. */
  readonly byPartition: number[];
  private readonly known: Uint8Array;
  /** Indexes of the last saved orders, as a ring buffer. */
  private readonly recent: number[] = [];

  constructor(
    private readonly firstNumber: number,
    count: number,
    partitions: number,
  ) {
    this.known = new Uint8Array(count);
    this.byPartition = Array.from({ length: partitions }, () => 0);
  }

  note({ number, partition }: { readonly number: number; readonly partition: number }): void {
    const index = number - this.firstNumber;
    if (index < 0 || index >= this.known.length) return;
    this.known[index] = 1;
    this.recent[this.total % RECENT] = index;
    this.total += 1;
    this.byPartition[partition] = (this.byPartition[partition] ?? 0) + 1;
  }

  /** Records that a read returned the order: later reads must return it too, even before the change stream reports its insert. */
  noteReturned(number: number): void {
    const index = number - this.firstNumber;
    if (index >= 0 && index < this.known.length) this.known[index] = 1;
  }

  has(number: number): boolean {
    return this.known[number - this.firstNumber] === 1;
  }

  /** Draws the index of a recently saved order; `undefined` while no order is saved. */
  oneOfTheLast(draw: (below: number) => number): number | undefined {
    return this.recent.length === 0 ? undefined : this.recent[draw(this.recent.length)];
  }
}
