import type { Collection, Db } from 'mongodb';
import type { Fault } from './fault-mix.js';

/** `pending` until somebody redrives or discards it. */
export type DeadLetterState = 'pending' | 'redriving' | 'saved' | 'discarded';

/**
 * What MongoDB keeps of a dead letter: its state, and enough to group and count. The raw bytes stay on the dead-letter
 * topic. One document for each origin, however often the letter was published.
 */
export interface DeadLetterDocument {
  /** `topic/partition/offset` of the record that failed. */
  readonly _id: string;
  readonly state: DeadLetterState;
  readonly origin: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly timestamp: Date;
  };
  /** Where the letter itself stands on the dead-letter topic. */
  readonly letter: { readonly partition: number; readonly offset: number };
  /** `null` for a record that no operation made. */
  readonly operationId: string | null;
  readonly index: number | null;
  /** What was wrong with it on purpose; `null`, or absent: nothing. A letter of an extra record is not its order's. */
  readonly fault?: Fault | null;
  readonly error: { readonly code: string; readonly message: string };
  readonly attempts: number;
  readonly deadLetteredAt: Date;
}

export function deadLettersCollection(db: Db): Collection<DeadLetterDocument> {
  return db.collection<DeadLetterDocument>('deadLetters');
}

export async function ensureDeadLetterIndexes(db: Db): Promise<void> {
  await deadLettersCollection(db).createIndexes([
    { name: 'operationId_index', key: { operationId: 1, index: 1 } },
    { name: 'state_errorCode', key: { state: 1, 'error.code': 1 } },
  ]);
}
