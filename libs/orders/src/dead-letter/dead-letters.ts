import type { Collection, Db } from 'mongodb';
import type { Fault } from '../generator/fault-mix.js';

/** `pending` until the dead letter is redriven or discarded; `redriving` from when a redrive claims it until its outcome is known. */
type DeadLetterState = 'pending' | 'redriving' | 'saved' | 'discarded';

/**
 * The outcome of redriving one dead letter.
 * - `saved`: the order is saved
 * - `returned`: the record was dead-lettered again
 * - `unmovable`: not sent, because the record no longer exists or Kafka rejects it
 * - `missing`: the consumers are past the record, and it is neither saved nor dead-lettered. This is a defect; the dead letter is
 *   `pending` again.
 */
export type RedriveOutcome = 'saved' | 'returned' | 'unmovable' | 'missing';

/** One attempt to redrive a dead letter. */
interface RedriveTry {
  readonly operationId: string;
  readonly at: Date;
  /** Position of the redriven record on the orders topic; `null` if no send is known. */
  readonly sent: { readonly partition: number; readonly offset: number } | null;
  /** The id of the order in the record; `null` if the record can not be decoded. */
  readonly orderId: string | null;
  /** `null` until the outcome is known. */
  readonly outcome: RedriveOutcome | null;
  readonly endedAt: Date | null;
}

/**
 * A dead letter in MongoDB: its state, and the fields for grouping and counting. The raw bytes stay on the dead-letter topic.
 * There is one document per origin, however often the dead letter was published, redriven or returned.
 */
export interface DeadLetterDocument {
  /** `topic/partition/offset` of the record that originally failed. */
  readonly _id: string;
  readonly state: DeadLetterState;
  readonly origin: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly timestamp: Date;
  };
  /** Position of the dead letter on the dead-letter topic; of the latest one if it returned. */
  readonly letter: { readonly partition: number; readonly offset: number };
  /** `null` for a record that belongs to no operation. */
  readonly operationId: string | null;
  readonly index: number | null;
  /** The injected fault; `null` or absent if there is none. A dead letter of an extra record does not count as that of its order. */
  readonly fault?: Fault | null;
  /** The reason of the latest failure. */
  readonly error: { readonly code: string; readonly message: string };
  readonly attempts: number;
  /** When it was dead-lettered for the first time. */
  readonly deadLetteredAt: Date;
  /** How many redrives have claimed it; absent means 0. */
  readonly redrives?: number;
  /** Oldest first. Only the last one may lack an outcome. Absent means none. */
  readonly tries?: readonly RedriveTry[];
}

export function deadLettersCollection(db: Db): Collection<DeadLetterDocument> {
  return db.collection<DeadLetterDocument>('deadLetters');
}

/** The dead letter that a record redrives, and the number of the redrive. */
interface RedriveOrigin {
  /** The dead letter's id: `topic/partition/offset` of the record that originally failed. */
  readonly letterId: string;
  /** 1 for the first redrive. */
  readonly redrive: number;
}

const LETTER_ID = 'redrive-of';
const REDRIVE = 'redrive-number';
const ID = /^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/;

/** Creates the headers of a redriven record; if it is dead-lettered again, the dead letter keeps them. */
export function redriveHeaders({ letterId, redrive }: RedriveOrigin): Record<string, string> {
  return { [LETTER_ID]: letterId, [REDRIVE]: String(redrive) };
}

/** Reads the redrive from the headers; `undefined` for a record that is not redriven. */
export function readRedrive(headers: Readonly<Record<string, Buffer | undefined>>): RedriveOrigin | undefined {
  const letterId = headers[LETTER_ID]?.toString() ?? '';
  const redrive = Number(headers[REDRIVE]?.toString());
  return ID.test(letterId) && Number.isSafeInteger(redrive) && redrive > 0 ? { letterId, redrive } : undefined;
}
