import type { Mutant } from './mutant.js';

const OUTGOING = 'kafka/outgoing-records.ts';

/** Mutants of what the engine sends: batches, dead letters, retries and commits. */
export const PRODUCING_MUTANTS: readonly Mutant[] = [
  {
    name: 'the records of one partition are one batch, whatever its size',
    file: OUTGOING,
    replace: ' || batch + bytes > MAX_BATCH_BYTES',
    by: ' || batch < 0',
    specs: 'kafka/reliable-producer',
  },
  {
    name: 'a batch is limited by the bytes of its values only',
    file: OUTGOING,
    replace: 'const bytes = mostBytes(record);',
    by: 'const bytes = record.value?.length ?? mostBytes(record);',
    specs: 'kafka/reliable-producer',
  },
];
