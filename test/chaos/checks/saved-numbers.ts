const RECENT = 20;

/** Which orders of one operation are known to be saved, and how many of each partition. */
export class SavedNumbers {
  total = 0;
  /** Saved since the beginning, by partition. */
  readonly byPartition: number[];
  private readonly known: Uint8Array;
  /** Indexes of those that were saved last, in a ring. */
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

  /** Somebody was shown it: from then on it must not be gone, whether its insert has been told of or not. */
  noteShown(number: number): void {
    const index = number - this.firstNumber;
    if (index >= 0 && index < this.known.length) this.known[index] = 1;
  }

  has(number: number): boolean {
    return this.known[number - this.firstNumber] === 1;
  }

  /** The index of one that was saved just now; `undefined`: none is yet. */
  oneOfTheLast(draw: (below: number) => number): number | undefined {
    return this.recent.length === 0 ? undefined : this.recent[draw(this.recent.length)];
  }
}
