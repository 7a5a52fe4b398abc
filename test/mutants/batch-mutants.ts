import type { Mutant } from './mutant.js';

const JOINED = 'attempts/joined-attempts.ts';
const SAME_KEYS = 'attempts/same-key-batches.ts';
const BATCHER = 'attempts/batch-queue.ts';

/** Mutants of batches, and of attempts that join one. */
export const BATCH_MUTANTS: readonly Mutant[] = [
  {
    name: 'the result of a record counts although an earlier one of its key in the batch has failed',
    file: JOINED,
    replace: 'this.part(joined.slice(done + 1));',
    by: 'for (const each of joined.slice(done + 1)) if (each.hasSucceeded) this.ends.succeeded(each);',
  },
  {
    name: 'the results of a batch count although the first record of the key has failed',
    file: JOINED,
    replace: 'if (joined !== undefined) this.part(joined);',
    by: 'for (const each of joined ?? []) if (each.hasSucceeded) this.ends.succeeded(each);',
  },
  {
    name: 'a record that was not tried in a batch never runs',
    file: JOINED,
    replace: 'this.part([failed], true)',
    by: 'this.part([failed])',
    specs: 'behaviour/taken-records',
  },
  {
    name: 'a suspended consumer probes with a batch',
    file: JOINED,
    replace: 'first.settled || this.breaker.active',
    by: 'first.settled',
    specs: 'attempts/batch-handler',
  },
  {
    name: 'a batcher that rests writes at once',
    file: BATCHER,
    replace: 'if (now >= this.restsUntil()) return true;',
    by: 'return true;',
    specs: 'attempts/batcher',
  },
  {
    name: 'a batcher forgets the rest that it still owes',
    file: BATCHER,
    replace: 'Math.max(this.restedAt, this.busySince)',
    by: 'this.busySince',
    specs: 'attempts/batcher',
  },
  {
    name: 'a batcher waits although nothing arrives any more',
    file: BATCHER,
    replace: 'this.waiting.length - this.sizeBefore < this.waiting.length * LEAST_GROWTH',
    by: 'this.waiting.length < this.sizeBefore',
    specs: 'attempts/batcher',
  },
  {
    name: 'a batcher exceeds the longest wait',
    file: BATCHER,
    replace: 'if (now >= this.waitingSince + this.options.maxBatchWaitMs) return true;',
    by: '',
    specs: 'attempts/batcher',
  },
  {
    name: 'a record taken behind another is reported after it',
    file: 'attempts/batch-handler.ts',
    replace: 'reportIf(isTaken, items, results);\n        reportIf(isFirst, items, results);',
    by: 'reportIf(isFirst, items, results);\n        reportIf(isTaken, items, results);',
    specs: 'attempts/batch-handler',
  },
  {
    name: 'a result that is no error fails its record',
    file: 'attempts/batch-handler.ts',
    replace: 'if (wrongAt !== -1) throw new BatchResultsError(items, given, wrongAt);',
    by: 'void wrongAt;',
    specs: 'attempts/batch-handler',
  },
  {
    name: 'a batch without usable results is the fault of its records',
    file: 'failures/failure.ts',
    replace: "  'batch-results',\n",
    by: '',
    specs: 'attempts/batch-handler',
  },
  {
    name: 'a batch that throws without an error counts as handled',
    file: 'attempts/reporting-handler.ts',
    replace: "(thrown ?? new Error('the attempt failed without an error')) as Error",
    by: 'thrown as Error',
    specs: 'attempts/reporting-handler',
  },
  {
    name: 'a handler that throws when it is started leaves its record in flight',
    file: 'attempts/task-runner.ts',
    replace: 'queueMicrotask(() => this.failed(attempt, error));',
    by: 'void error;',
    specs: 'attempts/reporting-handler',
  },
  {
    name: 'a batch with several records of a key takes all keys, and leaves none for another batch',
    file: SAME_KEYS,
    replace: 'return Math.ceil(this.maxBatchSize / this.perKey);',
    by: 'return this.maxBatchSize;',
    specs: 'attempts/batch-handler',
  },
  {
    name: 'a batch that probably is full waits for the rest of the writer',
    file: BATCHER,
    replace: 'if (this.waiting.length === this.sizeNow()) this.cancel();',
    by: '',
    specs: 'attempts/batch-queue',
  },
  {
    name: 'a batch takes a single busy key for many',
    file: SAME_KEYS,
    replace: 'Math.min(1 + taken / keys, MAX_GROWTH * this.perKey)',
    by: '1 + taken / keys',
    specs: 'attempts/same-key-batches',
  },
  {
    name: 'a batch counts the keys that it had no room for',
    file: SAME_KEYS,
    replace: 'if (room > 0) keys += 1;',
    by: 'keys += 1;',
    specs: 'attempts/same-key-batches',
  },
  {
    name: 'records that end are replaced once only',
    file: 'intake/intake.ts',
    replace: '      this.isPullDue = false;\n',
    by: '',
    specs: 'behaviour/window',
  },
  {
    name: 'an attempt that ends while it is started starts the next one inside of it',
    file: 'attempts/task-runner.ts',
    replace: 'if (this.isPumping) return;',
    by: '',
    specs: 'attempts/reporting-handler',
  },
];
