/** An element of an `IntrusiveList`. It carries its own links, so that add and remove neither allocate nor hash. */
export interface ListNode<T> {
  older: T | undefined;
  newer: T | undefined;
}

/** A doubly linked list in insertion order, on the hot path of every record. Add and remove are O(1), anywhere in the list. */
export class IntrusiveList<T extends ListNode<T>> {
  private first: T | undefined;
  private last: T | undefined;

  get oldest(): T | undefined {
    return this.first;
  }

  get newest(): T | undefined {
    return this.last;
  }

  /** Appends an item. `item` must not already be in a list. */
  add(item: T): void {
    item.older = this.last;
    if (this.last === undefined) this.first = item;
    else this.last.newer = item;
    this.last = item;
  }

  /** Removes an item, which must be in this list. Clears its links: a retained item would otherwise keep all later ones alive. */
  remove(item: T): void {
    if (item.older === undefined) this.first = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === undefined) this.last = item.older;
    else item.newer.older = item.older;
    item.older = undefined;
    item.newer = undefined;
  }

  /** Iterates oldest first. Only the current item may be removed during the iteration. */
  *[Symbol.iterator](): Generator<T> {
    for (let item = this.first, next = item?.newer; item !== undefined; item = next, next = item?.newer) yield item;
  }
}
