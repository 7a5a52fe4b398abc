import type { Attempt, RecordHandler } from '../options.js';
import type { ConsumedRecord } from '../record.js';
import { Batcher, type BatcherOptions } from './batcher.js';

/** One record of a batch, with its own attempt: a batch mixes first tries and later ones. */
export interface BatchItem {
  readonly record: ConsumedRecord;
  readonly attempt: Attempt;
}

/** How one record of a batch ended: `undefined` for done, its effect being durable, or the error that it failed with. */
export type BatchResult = Error | undefined;

export interface BatchHandlerOptions extends BatcherOptions {
  /**
   * Does the work of a batch. Resolves to one result for each record, in their order. What it throws fails all of the batch,
   * and so does a list of another length (BatchResultsError, code `batch-results`).
   */
  readonly handle: (items: readonly BatchItem[]) => Promise<readonly BatchResult[]>;
}

/**
 * A record handler that does its work in batches.
 *
 * Guarantees: each record ends by its own result, so one bad record never fails its neighbours: it alone is tried again or
 * dead-lettered. With `ordering: 'key'` a batch has at most one record of a key, since the next one starts when it is done.
 * Not guaranteed: any order between the records of a batch, nor full batches. `inFlight` counts records, those that wait
 * for company included, so it must be at least `maxBatchSize` for a batch to fill.
 * @throws RangeError for a bound that can't be used
 */
export function batchHandler({ handle, ...options }: BatchHandlerOptions): RecordHandler {
  const batcher = new Batcher<BatchItem, BatchResult>(handle, options);
  return (record, attempt) => batcher.add({ record, attempt }).then(throwIfFailed);
}

/** One function for all: a frame or a closure for each record would be kept as long as its batch takes. */
function throwIfFailed(result: BatchResult): void {
  if (result !== undefined) throw result;
}
