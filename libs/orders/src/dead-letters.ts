import type { Collection, Db } from 'mongodb';
import type { Fault } from './fault-mix.js';

/** `pending` until somebody redrives or discards it; `redriving` from when a redrive has taken it until its end is known. */
export type DeadLetterState = 'pending' | 'redriving' | 'saved' | 'discarded';

/**
 * How a redrive of one letter ended. `returned`: among the dead letters again. `unmovable`: not sent, since there is nothing left to send, or
 * Kafka refuses it. `missing`: the consumers are past it, and it is neither saved nor back: a defect; the letter is pending again.
 */
export type RedriveOutcome = 'saved' | 'returned' | 'unmovable' | 'missing';

/** One time that a letter was sent again, or was to be. */
export interface RedriveTry {
  readonly operationId: string;
  readonly at: Date;
  /** Where its record stands on the topic of the orders; `null`: not sent yet, as far as is known. */
  readonly sent: { readonly partition: number; readonly offset: number } | null;
  /** Of the order that its record carries; `null` where nothing can be read. */
  readonly orderId: string | null;
  /** `null`: not known yet. */
  readonly outcome: RedriveOutcome | null;
  readonly endedAt: Date | null;
}

/**
 * What MongoDB keeps of a dead letter: its state, and enough to group and count. The raw bytes stay on the dead-letter
 * topic. One document for each origin, however often the letter was published, and however often it was sent again and came back.
 */
export interface DeadLetterDocument {
  /** `topic/partition/offset` of the record that failed first. */
  readonly _id: string;
  readonly state: DeadLetterState;
  readonly origin: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly timestamp: Date;
  };
  /** Where the letter itself stands on the dead-letter topic: the last one, if it came back. */
  readonly letter: { readonly partition: number; readonly offset: number };
  /** `null` for a record that no operation made. */
  readonly operationId: string | null;
  readonly index: number | null;
  /** What was wrong with it on purpose; `null`, or absent: nothing. A letter of an extra record is not its order's. */
  readonly fault?: Fault | null;
  /** Why it failed the last time. */
  readonly error: { readonly code: string; readonly message: string };
  readonly attempts: number;
  /** For the first time. */
  readonly deadLetteredAt: Date;
  /** How often a redrive has taken it; absent: never. */
  readonly redrives?: number;
  /** Oldest first, and only the last one may be open. Absent: none. */
  readonly tries?: readonly RedriveTry[];
}

export function deadLettersCollection(db: Db): Collection<DeadLetterDocument> {
  return db.collection<DeadLetterDocument>('deadLetters');
}

export async function ensureDeadLetterIndexes(db: Db): Promise<void> {
  await deadLettersCollection(db).createIndexes([
    // Covers the count of an operation's letters, which every reader of its progress needs.
    { name: 'operationId_index_state_fault', key: { operationId: 1, index: 1, state: 1, fault: 1 } },
    { name: 'state_errorCode', key: { state: 1, 'error.code': 1 } },
    // Sparse: nearly all letters are never redriven.
    {
      name: 'tries_sent_sparse',
      key: { 'tries.operationId': 1, 'tries.outcome': 1, 'tries.sent.partition': 1, 'tries.sent.offset': 1 },
      sparse: true,
    },
  ]);
}
