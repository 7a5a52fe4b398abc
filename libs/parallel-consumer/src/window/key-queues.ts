/** What can hold a key. All links are its own: a record passes without making any object for its key. */
export interface KeyHolder<T> {
  readonly key: Buffer | null;
  /** Of the key, by `hashOf`. */
  readonly keyHash: number;
  /** The next one of the key. */
  behind: T | undefined;
  /** The last one that waits behind this holder. */
  lastBehind: T | undefined;
  /** The next holder in the same bucket. */
  inBucket: T | undefined;
}

const FIRST_BUCKETS = 64;

/**
 * Order within a key, freedom between keys. The first task of a key holds it; later ones wait behind it in the order of
 * their arrival. Entering and leaving are O(1); a key that nobody holds takes no memory.
 *
 * A hash table of its own, since a `Map` whose entries come and go by the thousand makes V8 chain its outgrown tables, with all
 * that was in them, until the next full collection: that doubled the cost of a record.
 */
export class KeyQueues<T extends KeyHolder<T>> {
  private buckets = emptyBuckets<T>(FIRST_BUCKETS);
  private holders = 0;

  /** @returns whether the task now holds the key and may run; else it waits */
  enter(task: T): boolean {
    const index = task.keyHash & (this.buckets.length - 1);
    for (let holder = this.buckets[index]; holder !== undefined; holder = holder.inBucket) {
      if (!sameKey(holder, task)) continue;
      const last = holder.lastBehind ?? holder;
      last.behind = task;
      holder.lastBehind = task;
      return false;
    }
    this.insert(task);
    this.holders += 1;
    if (this.holders > this.buckets.length) this.grow();
    return true;
  }

  /** The key's holder gives it up. @returns the task that holds it from now on, if one waited */
  leave(holder: T): T | undefined {
    this.remove(holder);
    const next = holder.behind;
    if (next === undefined) {
      this.holders -= 1;
      return undefined;
    }
    next.lastBehind = holder.lastBehind === next ? undefined : holder.lastBehind;
    holder.behind = undefined;
    holder.lastBehind = undefined;
    this.insert(next);
    return next;
  }

  /** Forgets all keys. @returns the tasks that waited */
  drain(): T[] {
    const waiting: T[] = [];
    for (const bucket of this.buckets)
      for (let holder = bucket; holder !== undefined; holder = holder.inBucket)
        for (let task = holder.behind; task !== undefined; task = task.behind) waiting.push(task);
    this.buckets.fill(undefined);
    this.holders = 0;
    return waiting;
  }

  private insert(task: T): void {
    const index = task.keyHash & (this.buckets.length - 1);
    task.inBucket = this.buckets[index];
    this.buckets[index] = task;
  }

  private remove(task: T): void {
    const index = task.keyHash & (this.buckets.length - 1);
    let holder = this.buckets[index];
    if (holder === task) this.buckets[index] = task.inBucket;
    else {
      while (holder !== undefined && holder.inBucket !== task) holder = holder.inBucket;
      if (holder !== undefined) holder.inBucket = task.inBucket;
    }
    task.inBucket = undefined;
  }

  private grow(): void {
    const { buckets } = this;
    this.buckets = emptyBuckets<T>(2 * buckets.length);
    for (const bucket of buckets)
      for (let holder = bucket, next = holder?.inBucket; holder !== undefined; holder = next, next = holder?.inBucket)
        this.insert(holder);
  }
}

function emptyBuckets<T>(count: number): (T | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}

/** FNV-1a over the bytes, then mixed: the low bits choose the bucket. */
export function hashOf(key: Buffer): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ (key[index] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

function sameKey<T extends KeyHolder<T>>(a: T, b: T): boolean {
  if (a.keyHash !== b.keyHash) return false;
  // Each read of a key cuts it out of its record anew.
  const [one, other] = [a.key, b.key];
  if (one === null || other === null) return one === other;
  // By hand, since a call into native code costs more than the few bytes of a key.
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) if (one[index] !== other[index]) return false;
  return true;
}
