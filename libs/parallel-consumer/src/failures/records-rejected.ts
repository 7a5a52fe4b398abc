/** Kafka rejects these records permanently: a retry cannot succeed. */
export class RecordsRejectedError extends Error {
  override readonly name = 'RecordsRejectedError';

  constructor(
    /** The protocol's name of the error, such as `MESSAGE_TOO_LARGE`. */
    readonly code: string,
    options: ErrorOptions,
  ) {
    super(`Kafka rejected the records: ${code}`, options);
  }
}
