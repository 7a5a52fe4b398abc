/** The dead letter that a record redrives, and the number of the redrive. */
export interface RedriveOrigin {
  /** The letter's id: `topic/partition/offset` of the record that originally failed. */
  readonly letterId: string;
  /** 1 for the first redrive. */
  readonly redrive: number;
}

const LETTER_ID = 'redrive-of';
const REDRIVE = 'redrive-number';
const ID = /^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/;

/** Creates the headers of a redriven record; if it is dead-lettered again, the letter keeps them. */
export function redriveHeaders({ letterId, redrive }: RedriveOrigin): Record<string, string> {
  return { [LETTER_ID]: letterId, [REDRIVE]: String(redrive) };
}

/** Reads the redrive from the headers; `undefined` for a record that is not redriven. */
export function readRedrive(headers: Readonly<Record<string, Buffer | undefined>>): RedriveOrigin | undefined {
  const letterId = headers[LETTER_ID]?.toString() ?? '';
  const redrive = Number(headers[REDRIVE]?.toString());
  return ID.test(letterId) && Number.isSafeInteger(redrive) && redrive > 0 ? { letterId, redrive } : undefined;
}
