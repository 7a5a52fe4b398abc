import type { NumberStore } from '../intents/number-store.js';

/** Numbers in memory. They pass the same contract suite as `MongoNumberStore`. */
export class MemoryNumberStore implements NumberStore {
  private base = 0;
  private next = 1;
  private readonly owners = new Map<number, string>();

  async raiseAbove(highest: number): Promise<void> {
    this.base = Math.max(this.base, highest);
    this.next = Math.max(this.next, highest + 1);
    return Promise.resolve();
  }

  async take(count: number): Promise<number> {
    const first = this.next;
    this.next += count;
    return Promise.resolve(first);
  }

  async highest(): Promise<number> {
    return Promise.resolve(Math.max(this.next - 1, ...this.owners.keys()));
  }

  async chosen(first: number, last: number): Promise<ReadonlySet<number>> {
    return Promise.resolve(new Set([...this.owners.keys()].filter((number) => number >= first && number <= last)));
  }

  async choose(number: number, id: string): Promise<boolean> {
    const owner = this.owners.get(number);
    if (owner !== undefined) return Promise.resolve(owner === id);
    if (number > this.base && number < this.next) return Promise.resolve(false);
    this.owners.set(number, id);
    return Promise.resolve(true);
  }
}
