/** The items of a page, and whether there are more after it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/** Returns the page of a list that was read up to one item beyond it, so that a full last page has no next one. */
export function pageOf<T>(read: readonly T[], size: number): Page<T> {
  return { items: read.slice(0, size), hasMore: read.length > size };
}
