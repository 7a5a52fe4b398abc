import type { Mutant } from './mutant.js';

const JOINED = 'attempts/joined-attempts.ts';
const BATCHER = 'attempts/batcher.ts';

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
];
