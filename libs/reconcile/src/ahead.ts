/** Loads the next item while the caller processes the current one. */
export async function* ahead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  load: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  let loading: Promise<R> | undefined;
  for await (const item of items) {
    const next = load(item);
    // A failure is thrown when the item is awaited.
    next.catch(() => undefined);
    if (loading !== undefined) yield await loading;
    loading = next;
  }
  if (loading !== undefined) yield await loading;
}
