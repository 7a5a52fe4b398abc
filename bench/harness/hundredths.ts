/** When each hundredth of the wanted records was finished. */
export class Hundredths {
  /** Milliseconds since the first record; the first mark is 0. */
  readonly marks: number[] = [0];
  private next: number;

  /** @param wanted how many records are to be finished */
  constructor(private readonly wanted: number) {
    this.next = wanted / 100;
  }

  get isComplete(): boolean {
    return this.marks.length > 100;
  }

  /** @param finished records until now, those before included. @param elapsedMs since the first one */
  note(finished: number, elapsedMs: number): void {
    while (finished >= this.next && !this.isComplete) {
      this.marks.push(elapsedMs);
      this.next = (this.wanted * this.marks.length) / 100;
    }
  }
}
