import type { ConsumedRecord } from '../records/record.js';
import type { Attempt } from '../attempts/record-handler.js';

/** One record of a batch, with its own attempt: a batch can mix first attempts and retries. */
export interface BatchItem {
  readonly record: ConsumedRecord;
  readonly attempt: Pick<Attempt, 'number' | 'signal' | 'fence' | 'isCurrent' | 'trace'>;
}

/** Result of one record of a batch: `undefined` when its effect is durable, else the error. */
export type BatchResult = Error | undefined;
