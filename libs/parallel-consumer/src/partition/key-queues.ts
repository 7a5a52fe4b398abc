/** An element that can hold a key or wait for it. It carries its own links, so that no object is allocated per record. */
export interface KeyHolder<T> {
  readonly key: Buffer | null;
  /** Hash of the key by `hashKey`. */
  readonly keyHash: number;
  /** The next element that waits for the same key. */
  behind: T | undefined;
  /** The last element that waits behind this holder. */
  lastBehind: T | undefined;
  /** The next holder in the same bucket. */
  inBucket: T | undefined;
}

const FIRST_BUCKETS = 64;

/**
 * Keeps the tasks of one key in order, and tasks of different keys independent. The first task of a key holds it; later tasks wait
 * behind it in order of arrival. `enter` and `leave` are O(1). A key without a holder uses no memory.
 *
 * Implemented as its own hash table: with thousands of short-lived entries, V8's `Map` keeps chains of outgrown tables and their
 * contents alive until the next full garbage collection. That doubled the cost of a record.
 */
export class KeyQueues<T extends KeyHolder<T>> {
  private buckets = emptyBuckets<T>(FIRST_BUCKETS);
  private holders = 0;

  /** Adds a task with its key. @returns true when the task now holds its key and may run; false when it waits */
  enter(task: T, key: Buffer | null): boolean {
    const index = task.keyHash & (this.buckets.length - 1);
    for (let holder = this.buckets[index]; holder !== undefined; holder = holder.inBucket) {
      if (holder.keyHash !== task.keyHash || !sameKey(holder.key, key)) continue;
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

  /** Releases a key. @returns the task that now holds the key, if one waited */
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

  /** Removes all keys. @returns the tasks that waited */
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

/** Hashes a key with FNV-1a. The final mix matters because the low bits choose the bucket. */
export function hashKey(key: Buffer): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ (key[index] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

function sameKey(one: Buffer | null, other: Buffer | null): boolean {
  if (one === null || other === null) return one === other;
  // A loop, because calling native code costs more than comparing the few bytes of a key.
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) if (one[index] !== other[index]) return false;
  return true;
}
