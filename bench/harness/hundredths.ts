/** Records when each hundredth of the expected records was completed. */
export class Hundredths {
  /** Milliseconds since the first record; the first mark is 0. */
  readonly marks: number[] = [0];
  private next: number;

  /** @param expected number of records */
  constructor(private readonly expected: number) {
    this.next = expected / 100;
  }

  get isComplete(): boolean {
    return this.marks.length > 100;
  }

  /** @param finished records completed so far, in total. @param elapsedMs milliseconds since the first record */
  note(finished: number, elapsedMs: number): void {
    while (finished >= this.next && !this.isComplete) {
      this.marks.push(elapsedMs);
      this.next = (this.expected * this.marks.length) / 100;
    }
  }
}
