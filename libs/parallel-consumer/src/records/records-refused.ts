/** Kafka rejects these records permanently: a retry cannot succeed. */
export class RecordsRefusedError extends Error {
  override readonly name = 'RecordsRefusedError';

  constructor(
    /** The protocol's name of the error, such as `MESSAGE_TOO_LARGE`. */
    readonly code: string,
    options: ErrorOptions,
  ) {
    super(`Kafka rejected the records: ${code}`, options);
  }
}
