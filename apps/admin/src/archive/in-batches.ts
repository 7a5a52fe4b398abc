/** Regroups items into batches of one size; the last one may be smaller. */
export async function* inBatches<T>(groups: AsyncIterable<readonly T[]>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const group of groups)
    for (const item of group) {
      batch.push(item);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
  if (batch.length > 0) yield batch;
}
