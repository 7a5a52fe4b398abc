/** A key, and how often it was counted. */
export interface CountedKey {
  readonly key: string;
  /** At least the true count. */
  readonly count: number;
  /** By how much `count` may exceed the true one. */
  readonly error: number;
}

interface Entry {
  count: number;
  error: number;
}

/**
 * Counts the most frequent keys of a stream in bounded memory: the Space-Saving algorithm of Metwally, Agrawal and El Abbadi (2005).
 *
 * Guarantees: a key with more than 1 / `capacity` of all counts is among the keys, and no count exceeds the true one by more than that.
 */
export class FrequentKeys {
  private readonly entries = new Map<string, Entry>();
  /** All counts. */
  total = 0;

  constructor(private readonly capacity: number) {}

  add(key: string): void {
    this.total += 1;
    const known = this.entries.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.entries.size < this.capacity) this.entries.set(key, { count: 1, error: 0 });
    else this.replaceRarest(key);
  }

  /** Returns the most frequent keys, the most frequent one first. */
  top(count: number): CountedKey[] {
    const all = Array.from(this.entries, ([key, { count: counted, error }]) => ({ key, count: counted, error }));
    return all.toSorted((a, b) => b.count - a.count).slice(0, count);
  }

  clear(): void {
    this.entries.clear();
    this.total = 0;
  }

  private replaceRarest(key: string): void {
    let rarest: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [each, { count }] of this.entries)
      if (count < least) {
        rarest = each;
        least = count;
      }
    if (rarest === undefined) return;
    this.entries.delete(rarest);
    this.entries.set(key, { count: least + 1, error: least });
  }
}
