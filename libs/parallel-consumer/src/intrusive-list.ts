/** What can be in a list: it carries its own links, so entering and leaving make no objects and hash nothing. */
export interface ListNode<T> {
  older: T | undefined;
  newer: T | undefined;
}

/** Keeps what is under way in the order of its arrival; any of it may leave at any time. All O(1), all records pass through. */
export class IntrusiveList<T extends ListNode<T>> {
  private first: T | undefined;
  private last: T | undefined;

  get oldest(): T | undefined {
    return this.first;
  }

  get newest(): T | undefined {
    return this.last;
  }

  /** Of what isn't in a list yet. */
  add(item: T): void {
    item.older = this.last;
    if (this.last === undefined) this.first = item;
    else this.last.newer = item;
    this.last = item;
  }

  /** Of what is in this list, once. Its links are cleared: through them one that is kept would keep all that came after it. */
  remove(item: T): void {
    if (item.older === undefined) this.first = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === undefined) this.last = item.older;
    else item.newer.older = item.older;
    item.older = undefined;
    item.newer = undefined;
  }

  /** Oldest first. The one at hand may leave meanwhile, others may not. */
  *[Symbol.iterator](): Generator<T> {
    for (let item = this.first, next = item?.newer; item !== undefined; item = next, next = item?.newer) yield item;
  }
}
