/** Which dead letter a record is sent again for, and for the how manieth time. */
export interface RedriveOrigin {
  /** The letter's identity: `topic/partition/offset` of the record that failed first. */
  readonly letterId: string;
  /** From 1 on. */
  readonly redrive: number;
}

const LETTER_ID = 'redrive-of';
const REDRIVE = 'redrive-number';
const ID = /^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/;

/** The headers of a record that is sent again; they survive into the letter that it may become. */
export function redriveHeaders({ letterId, redrive }: RedriveOrigin): Record<string, string> {
  return { [LETTER_ID]: letterId, [REDRIVE]: String(redrive) };
}

/** Reads them back; `undefined` for a record that is there for the first time. */
export function readRedrive(headers: Readonly<Record<string, Buffer | undefined>>): RedriveOrigin | undefined {
  const letterId = headers[LETTER_ID]?.toString() ?? '';
  const redrive = Number(headers[REDRIVE]?.toString());
  return ID.test(letterId) && Number.isSafeInteger(redrive) && redrive > 0 ? { letterId, redrive } : undefined;
}
