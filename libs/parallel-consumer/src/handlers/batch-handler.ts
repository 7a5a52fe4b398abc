import { checkOptions } from '../checks/check-options.js';
import { ofType, positiveInteger, timer, withFunctions, type Check } from '../checks/value-checks.js';
import type { BatchItem, BatchResult } from './batch-item.js';
import { BatchQueue, type BatcherOptions } from './batch-queue.js';
import { BatchResultsError, checkedResults } from './batcher.js';
import type { OpenRecord, TakenRecord } from '../attempts/record-handler.js';
import { AttemptWithdrawnError } from '../attempts/running-attempt.js';
import { reasonOf, reportingHandler, type ReportingHandler } from '../attempts/reporting-handler.js';
import type { RecordTrace } from '../events/record-tracer.js';
import { SameKeyBatches } from './same-key-batches.js';

/** How records are gathered into batches, and what handles a batch. */
export interface BatchHandlerOptions extends BatcherOptions {
  /**
   * Processes a batch. Resolves to one result per record, in their order. The whole batch fails when this throws, or returns another
   * number of results or one that is neither `undefined` nor an Error (BatchResultsError, code `batch-results`).
   */
  readonly handle: (items: readonly BatchItem[]) => Promise<readonly BatchResult[]>;
  /**
   * Whether a batch may hold several records of one key, in the order of the topic, so that the number of keys does not bound the rate.
   * Set it only if `handle` applies them in that order, and none after one that failed: an earlier record that is retried later would
   * overwrite it. Results after a failed one of the same key are ignored, and those records are tried again. Default false.
   */
  readonly sameKeyInBatch?: boolean;
}

const OPTION_CHECKS = {
  handle: ofType('function'),
  sameKeyInBatch: ofType('boolean'),
  maxBatchSize: positiveInteger,
  maxBatchWaitMs: timer(0),
  maxBatches: positiveInteger,
  clock: withFunctions('now', 'after'),
} satisfies Record<keyof BatchHandlerOptions, Check>;

/**
 * Creates a record handler that processes records in batches.
 *
 * Guarantees: each record has its own result, so one bad record never fails the others of its batch; only that record is retried or
 * dead-lettered. With `ordering: 'key'` a batch has at most one record per key, because the next one starts after it is done, unless
 * `sameKeyInBatch` is set.
 * Not guaranteed: an order among the records of a batch, or full batches. `inFlight` also counts records that wait for their batch
 * to fill, so it must be at least `maxBatchSize`; for full batches with `sameKeyInBatch`, at least `maxBatchSize * (maxBatches + 1)`.
 * @throws TypeError or RangeError that names a wrong, missing or unknown option
 */
export function batchHandler(given: BatchHandlerOptions): ReportingHandler {
  checkOptions(given, { checks: OPTION_CHECKS, required: ['handle', 'maxBatchSize', 'maxBatchWaitMs'] });
  const { handle, sameKeyInBatch = false, ...options } = given;
  const batches = sameKeyInBatch ? new SameKeyBatches(options.maxBatchSize) : undefined;
  const write = async (waited: readonly OpenRecord[]): Promise<() => void> => {
    const firstItems = currentOf(waited);
    const items = batches?.filledFrom(firstItems) ?? firstItems;
    if (items.length === 0) return () => undefined;
    try {
      const results = checkedOutcomes(await traced(items, async () => handle(items)), items.length);
      return () => {
        // First the records that were taken behind others of their keys: they end with those.
        reportIf(isTaken, items, results);
        reportIf(isFirst, items, results);
      };
    } catch (error) {
      return () => {
        for (const item of firstItems) item.report(reasonOf(error));
      };
    }
  };
  const queue = new BatchQueue(write, options, () => batches?.size ?? options.maxBatchSize);
  return reportingHandler((item) => queue.add(item));
}

/** Returns the records that may still be handled, and gives back the others: while they waited, other members may have got their partitions. */
function currentOf(waited: readonly OpenRecord[]): readonly OpenRecord[] {
  const current: OpenRecord[] = [];
  for (const item of waited)
    if (item.attempt.isCurrent) current.push(item);
    // In a microtask, because the next record of its key may start, and must not join a batch that is being made.
    else queueMicrotask(() => item.report(new AttemptWithdrawnError()));
  return current;
}

type Item = OpenRecord | TakenRecord;

/** Handles a batch within the traces of its records, if some are traced. */
async function traced<T>(items: readonly Item[], handle: () => Promise<T>): Promise<T> {
  const traces: RecordTrace[] = [];
  for (const { attempt } of items) if (attempt.trace !== undefined) traces.push(attempt.trace);
  const [first, ...others] = traces;
  return first === undefined ? handle() : first.runBatch(items.length, others, handle);
}

/** Another result, such as an inserted document or `null`, would look like a failure of its record. @throws BatchResultsError */
function checkedOutcomes(given: readonly BatchResult[], items: number): readonly BatchResult[] {
  const results: readonly unknown[] = checkedResults(given, items);
  const wrongAt = results.findIndex((result) => result !== undefined && !(result instanceof Error));
  if (wrongAt !== -1) throw new BatchResultsError(items, given, wrongAt);
  return given;
}

/** Not by `entries()`, which allocates as much for each record as an attempt. */
function reportIf(isDue: (item: Item) => boolean, items: readonly Item[], results: readonly BatchResult[]): void {
  let at = 0;
  for (const item of items) {
    if (isDue(item)) item.report(results[at]);
    at += 1;
  }
}

function isFirst({ attempt }: Item): boolean {
  return 'takeNext' in attempt;
}

function isTaken(item: Item): boolean {
  return !isFirst(item);
}
