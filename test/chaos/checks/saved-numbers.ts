/** Which orders of one operation are known to be saved, and how many of each partition. */
export class SavedNumbers {
  total = 0;
  /** Saved since the beginning, by partition. */
  readonly byPartition: number[];
  private readonly seen: Uint8Array;

  constructor(
    private readonly firstNumber: number,
    count: number,
    partitions: number,
  ) {
    this.seen = new Uint8Array(count);
    this.byPartition = Array.from({ length: partitions }, () => 0);
  }

  note({ number, partition }: { readonly number: number; readonly partition: number }): void {
    const index = number - this.firstNumber;
    if (index < 0 || index >= this.seen.length) return;
    this.seen[index] = 1;
    this.total += 1;
    this.byPartition[partition] = (this.byPartition[partition] ?? 0) + 1;
  }

  has(number: number): boolean {
    return this.seen[number - this.firstNumber] === 1;
  }
}
