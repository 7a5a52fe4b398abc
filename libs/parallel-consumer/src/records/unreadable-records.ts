/** Why a record batch cannot be read. It is permanent: the log stores the batch in this form. */
export type UnreadableReason = 'corrupt-records' | 'unsupported-codec' | 'unsupported-format' | 'batch-too-large';

/** A partition's log contains a record batch that this engine cannot read. */
export class UnreadableRecordsError extends Error {
  override readonly name = 'UnreadableRecordsError';

  constructor(
    readonly code: UnreadableReason,
    /** First offset of the batch, unless its header is corrupt. */
    readonly offset: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
