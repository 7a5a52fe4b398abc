/** Why a record batch can't be read, now or later: the log holds it as it is. */
export type UnreadableReason = 'corrupt-records' | 'unsupported-codec';

/** A partition's log holds a record batch that this engine can't read. */
export class UnreadableRecordsError extends Error {
  override readonly name = 'UnreadableRecordsError';

  constructor(
    readonly code: UnreadableReason,
    /** First offset of the batch, as far as its header can be believed. */
    readonly offset: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
